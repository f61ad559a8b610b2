"""The audit: its words, declared beside the actions that write them, and the writing, in the action's own transaction."""

from accounts.audit.words import Area, Word
from accounts.audit.writing import Tenanted, event, fields_of, record, record_all, record_batch, tenant_keys

__all__ = ["Area", "Tenanted", "Word", "event", "fields_of", "record", "record_all", "record_batch", "tenant_keys"]
