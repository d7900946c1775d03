# One image for each program: EXTRAS=tagger (the model; runs on an NVIDIA GPU where the container
# is given one, else on the CPU) or EXTRAS=archive.
FROM python:3.12-slim

ARG EXTRAS=tagger

RUN useradd --create-home --uid 10001 ressenti
WORKDIR /app

# Everything that changes rarely first: the dependencies' layer is kept between builds.
COPY constraints.txt ./
RUN python -m pip install --no-cache-dir --constraint constraints.txt uv

COPY pyproject.toml README.md ./
COPY modeling ./modeling
COPY consumer ./consumer
COPY bot ./bot
COPY ressenti ./ressenti
RUN uv pip install --system --no-cache --constraint constraints.txt ".[${EXTRAS}]"

USER ressenti
WORKDIR /home/ressenti
# SIGTERM makes each program finish what is in hand, commit and leave its group.
STOPSIGNAL SIGTERM
ENTRYPOINT ["ressenti"]
CMD ["tag"]
