"""What a real installation needs before money flows: one list of questions for the operator's page, `check --deploy` and `/readyz`."""

from smartplus.setup.findings import Finding, State, Step
from smartplus.setup.questions import QUESTIONS, look
from smartplus.setup.works import Work, works

__all__ = ["QUESTIONS", "Finding", "State", "Step", "Work", "look", "works"]
