# One image for muster nodes and for the spells demo backends; docker-compose.yml shows both.
#
#   docker build -t muster .

FROM node:26-slim AS dependencies
WORKDIR /app
COPY . .
# The pnpm that package.json pins. Development tools stay out, and with them the npm package "node": the image has its own.
RUN pnpm_version=$(node -p "require('./package.json').packageManager") \
 && npm exec --yes --loglevel=error "$pnpm_version" -- install --frozen-lockfile --prod --pm-on-fail=ignore

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app /app
# The only thing that is written: the journal, or the last snapshot where NATS keeps the journal. A new volume takes over the
# owner of this folder.
RUN mkdir data && chown node:node data
VOLUME /app/data
USER node
EXPOSE 8080 9900
# The node handles SIGTERM itself and reaps its own workers, so it needs no init above it. No shell either: it would
# keep the signal.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=2s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9900/readyz', { headers: { authorization: `Bearer ${process.env.MUSTER_ADMIN_TOKEN}` } }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/muster/bin/muster.mjs"]
CMD ["up", "-c", "services/muster/examples/compose.toml"]
