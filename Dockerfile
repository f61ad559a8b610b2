# One image for web, worker and beat; docker-compose.yml says which is which.
FROM python:3.12.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-deps --require-hashes -r requirements.txt
COPY . .
# Static files need settings, not secrets.
RUN SECRET_KEY=for-collectstatic-only SITE_URL=https://portal.example SMARTPLUS_VAR=/app/var python manage.py collectstatic --noinput \
 && mkdir -p /app/heads && useradd --system --home /app smartplus && chown -R smartplus /app/var /app/heads
USER smartplus
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "smartplus.wsgi:application"]
