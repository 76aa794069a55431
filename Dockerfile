# syntax=docker/dockerfile:1
# FirstToken: board and agent in one container, without root.
#   docker build --tag firsttoken .
#   docker run --publish 9500:9500 --volume ./config:/app/config:ro --volume firsttoken-data:/app/data firsttoken

FROM python:3.11-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.txt .
# The lock names a hash for each file: what was not locked does not get in.
RUN /venv/bin/pip install --require-hashes --only-binary :all: --requirement requirements.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin firsttoken \
    && install --directory --owner=firsttoken --group=firsttoken /app/data
WORKDIR /app
COPY --from=packages /venv /venv
COPY LICENSE app.py ./
COPY probes probes
COPY templates templates
COPY static static
COPY config config
# Compiled here once: at run time the program's own files are read-only to it.
RUN python -m compileall -q app.py probes
USER firsttoken
VOLUME ["/app/data", "/app/config"]
EXPOSE 9500
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 9500, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "app.py", "--host", "0.0.0.0"]
