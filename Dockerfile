# One image, two commands: `python -m mtproto_bridge run` and `python -m bot run`. compose.yaml starts both.
# Neither the sandbox nor the tests are in it.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements/build.txt requirements/runtime.txt /requirements/
# The build tools first: one package exists only as source, and is built with these and no others.
RUN /venv/bin/pip install --require-hashes -r /requirements/build.txt
RUN /venv/bin/pip install --no-build-isolation --use-pep517 --require-hashes -r /requirements/runtime.txt

FROM python:3.12-slim
# The volumes' folders belong to the user; fresh volumes take that over. The key is never in /data.
RUN useradd --uid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin starling \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data /keys
COPY --from=build /venv /venv
WORKDIR /app
COPY pyproject.toml ./
COPY locales/ locales/
COPY processes/ processes/
COPY mtproto_bridge/ mtproto_bridge/
COPY bot/ bot/
# Run from the folder, not installed: the bot finds its locales/ next to its package.
# ENV_FILE is empty so that no process reads a .env: each is handed its own variables.
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ENV_FILE=
USER 10001:10001
CMD ["python", "-m", "mtproto_bridge", "--help"]
