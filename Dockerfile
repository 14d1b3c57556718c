# One image for both roles: the API is the default command, the worker is `worker` in its place.
# Node 24 runs the TypeScript sources directly; only the page is built.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package of the production tree needs an install script: protobufjs prints a notice, the native parts are prebuilt.
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim AS page
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci --ignore-scripts
COPY bin/build.ts bin/build-studio.ts bin/
COPY runtime/process-identity.ts runtime/
COPY contracts contracts
COPY domain domain
COPY client client
COPY studio studio
RUN node bin/build.ts

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=4600
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY contracts contracts
COPY models models
COPY domain domain
COPY db db
COPY llm llm
COPY workflows workflows
COPY activities activities
COPY api api
COPY worker worker
COPY runtime runtime
COPY stack stack
COPY bin bin
COPY --from=page /app/studio/dist studio/dist
# The bundle is kept in the image: a worker that can't write below /app would bundle the workflows at each start.
RUN node bin/build-workflows.ts
# The image's own unprivileged user (uid 1000). Nothing below /app is writable for it.
USER node
EXPOSE 4600
STOPSIGNAL SIGTERM
# Node is started directly, not through npm, so that it is the process that gets SIGTERM.
ENTRYPOINT ["node", "--max-semi-space-size=16", "bin/bootstrap.mjs"]
CMD ["api"]
