# The web, worker, scheduler and migration processes of docker-compose.yml are all this one image.
FROM python:3.13-slim AS packages
COPY requirements.lock /tmp/
# Every file is checked against its hash; no compiler is needed.
RUN python -m venv /opt/packages \
 && /opt/packages/bin/pip install --no-cache-dir --disable-pip-version-check \
      --require-hashes --only-binary=:all: -r /tmp/requirements.lock

FROM python:3.13-slim
ENV PATH=/opt/packages/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=bzpeer.settings \
    BZPEER_HOME=/var/lib/bzpeer
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent bzpeer \
 && install -d -o bzpeer -g bzpeer -m 0700 /var/lib/bzpeer /var/lib/bzpeer/media /var/lib/bzpeer/graph \
 && install -d -o bzpeer -g bzpeer -m 0755 /var/lib/bzpeer/static
COPY --from=packages /opt/packages /opt/packages
WORKDIR /app
COPY . .
USER bzpeer
# The key of this step signs nothing, and the addresses are never asked.
RUN SECRET_KEY=only-for-collectstatic DATABASE_URL=postgresql:///none REDIS_URL=redis://none \
    python manage.py collectstatic --noinput --verbosity 0
EXPOSE 8000
# Asked under a name that the settings allow.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; \
host = os.environ.get('ALLOWED_HOSTS', 'localhost').split(',')[0].replace('*', 'localhost'); \
u.urlopen(u.Request('http://127.0.0.1:8000/healthz', headers={'Host': host}), timeout=4)"]
CMD ["gunicorn", "bzpeer.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", \
     "--worker-class", "gthread", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
