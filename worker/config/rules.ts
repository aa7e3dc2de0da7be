// How options must fit each other, services each other, and routes the paths of the gateway itself. What one option
// may be by itself is in schema.ts.

import { TrieRouter } from "hono/router/trie-router";
import { dialectOf, httpHeaders } from "../../protocol/index.ts";
import { credentialHeadersOf } from "../access/credentials.ts";
import { mostPartitionsPerOwned } from "../exchange/routing.ts";
import type { ConfigProblem, GatewayConfig, Service } from "./options.ts";
import { canRoute } from "./routable.ts";
import { show } from "./show.ts";

/** First path segments that the gateway keeps for itself, now or later. */
export const reservedSegments = [
  "requests",
  "replies",
  "topics",
  "ws",
  "_hearback",
  "metrics",
  "healthz",
  "readyz",
  "openapi.json",
  "asyncapi.json",
] as const;

/** Everything that does not fit; `config` is well-formed. */
export function configProblems(config: GatewayConfig): ConfigProblem[] {
  return [
    ...config.services.flatMap((service) => serviceProblems(service, config)),
    ...topicProblems(config.services),
    ...collisionProblems(config.services),
    ...rateLimitProblems(config.services),
    ...routerProblems(config.services),
  ];
}

/** Routes that compile one by one may not in the one expression that Hono makes of them. The first that does not fit. */
function routerProblems(services: readonly Service[]): ConfigProblem[] {
  const paths = services.map(({ path }) => path);
  if (canRoute(paths)) return [];
  const service = services.find((_, at) => !canRoute(paths.slice(0, at + 1)));
  if (service === undefined) return [];
  return [
    {
      option: `services.${service.name}.route`,
      received: show(`${service.method} ${service.path}`),
      rule: "cannot be routed beside the routes before it; spell its pattern in another way",
    },
  ];
}

function serviceProblems(service: Service, { produceTimeoutMs }: GatewayConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const at = (option: string) => `services.${service.name}.${option}`;
  if (service.timeoutMs <= produceTimeoutMs) {
    problems.push({
      option: at("timeoutMs"),
      received: show(service.timeoutMs),
      rule: `must be longer than produceTimeoutMs (${produceTimeoutMs})`,
    });
  }
  if (service.asyncTimeoutMs < service.timeoutMs) {
    problems.push({
      option: at("asyncTimeoutMs"),
      received: show(service.asyncTimeoutMs),
      rule: `must not be shorter than timeoutMs (${service.timeoutMs})`,
    });
  }
  if ((service.capacityPerPrincipal ?? 0) > service.capacity) {
    problems.push({
      option: at("capacityPerPrincipal"),
      received: show(service.capacityPerPrincipal),
      rule: `must not be more than capacity (${service.capacity})`,
    });
  }
  if (service.clientCorrelationIdAsKey && service.idempotencyKey === "ignored") {
    problems.push({
      option: at("clientCorrelationIdAsKey"),
      received: "true",
      rule: 'must be false with idempotencyKey "ignored", where nothing is a key',
    });
  }
  problems.push(
    ...routingProblems(service),
    ...dialectProblems(service),
    ...guardProblems(service),
    ...credentialProblems(service),
    ...callbackProblems(service),
  );
  const { recordKey } = service;
  if (
    recordKey !== undefined &&
    "path" in recordKey &&
    !parametersOf(service.path).includes(recordKey.path)
  ) {
    problems.push({
      option: at("recordKey.path"),
      received: show(recordKey.path),
      rule: `must be a parameter of the route "${service.method} ${service.path}"`,
    });
  }
  if (recordKey !== undefined && "body" in recordKey && service.method === "GET") {
    problems.push({
      option: at("recordKey.body"),
      received: show(recordKey.body),
      rule: "a GET request has no body to take a key from",
    });
  }
  const reserved = reservedSegments.find((segment) => captures(service.path, segment));
  if (reserved !== undefined) {
    problems.push({
      option: at("route"),
      received: show(`${service.method} ${service.path}`),
      rule: `must not match /${reserved}, which the gateway keeps for itself`,
    });
  }
  return problems;
}

/** What is asked of clients must be something that they can do. */
function guardProblems({ name, method, path, cors, validate }: Service): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const at = (option: string) => `services.${name}.${option}`;
  if (cors?.origins === "*" && cors.credentials) {
    problems.push({
      option: at("cors.credentials"),
      received: "true",
      rule: 'must be false with origins "*": every page could act for whoever looks at it',
    });
  }
  if (validate?.body !== undefined && method === "GET") {
    problems.push({
      option: at("validate.body"),
      received: show(validate.body),
      rule: "a GET request has no body to look into",
    });
  }
  if (validate?.path !== undefined && parametersOf(path).length === 0) {
    problems.push({
      option: at("validate.path"),
      received: show(validate.path),
      rule: `the route "${method} ${path}" has no parameters`,
    });
  }
  return problems;
}

/** What proves who somebody is must not reach a topic: whoever reads it there could ask in that name. */
function credentialProblems(service: Service): ConfigProblem[] {
  const { name, authentication, forwardHeaders, forwardClaims, recordKey } = service;
  const at = (option: string) => `services.${name}.${option}`;
  const credentials = new Set(authentication.flatMap(credentialHeadersOf));
  const problems = forwardHeaders
    .map((header, index) => ({ header, index }))
    .filter(({ header }) => credentials.has(header))
    .map(({ header, index }) => ({
      option: at(`forwardHeaders.${index}`),
      received: show(header),
      rule: "must not travel: with this authentication it carries a credential",
    }));
  if (recordKey !== undefined && "header" in recordKey && credentials.has(recordKey.header.toLowerCase())) {
    problems.push({
      option: at("recordKey.header"),
      received: show(recordKey.header),
      rule: "must not be the key: with this authentication it carries a credential",
    });
  }
  if (forwardClaims.length > 0 && authentication.length === 0) {
    problems.push({
      option: at("forwardClaims"),
      received: show(forwardClaims),
      rule: "must be empty without authentication, where nobody has claims",
    });
  }
  return problems;
}

/** Whom the gateway is to call is between the client and the gateway. */
function callbackProblems({ name, forwardHeaders, recordKey }: Service): ConfigProblem[] {
  const header = httpHeaders.callbackUrl.toLowerCase();
  const problem = (option: string): ConfigProblem => ({
    option: `services.${name}.${option}`,
    received: show(header),
    rule: "is for the gateway and never travels: it names the webhook that the gateway calls",
  });
  const keyHeader = recordKey !== undefined && "header" in recordKey ? recordKey.header.toLowerCase() : "";
  return [
    ...forwardHeaders.flatMap((each, at) => (each === header ? [problem(`forwardHeaders.${at}`)] : [])),
    ...(keyHeader === header ? [problem("recordKey.header")] : []),
  ];
}

/** A binding counts to one number, whoever asks it. */
function rateLimitProblems(services: readonly Service[]): ConfigProblem[] {
  const firsts = new Map<string, Service>();
  return services.flatMap((service) => {
    const { rateLimit, name } = service;
    if (rateLimit === undefined) return [];
    const first = firsts.get(rateLimit.binding) ?? service;
    firsts.set(rateLimit.binding, first);
    if (show(first.rateLimit) === show(rateLimit)) return [];
    return [
      {
        option: `services.${name}.rateLimit`,
        received: show(rateLimit),
        rule: `must equal services.${first.name}.rateLimit (${show(first.rateLimit)}), which has the same binding`,
      },
    ];
  });
}

/** A set of partitions fits only some ways of routing. */
function routingProblems({ name, replyPartitions, replyRouting }: Service): ConfigProblem[] {
  if (typeof replyPartitions === "number") return [];
  const problem = (rule: string): ConfigProblem[] => [
    { option: `services.${name}.replyPartitions`, received: show(replyPartitions), rule },
  ];
  if (replyRouting === "shared") {
    return problem('must be a number with replyRouting "shared", where everybody reads all partitions');
  }
  const { own, of } = replyPartitions;
  if (replyRouting === "key" && of > own.length * mostPartitionsPerOwned) {
    return problem(
      `must own one in ${mostPartitionsPerOwned} partitions with replyRouting "key", or minting an ID takes too long`,
    );
  }
  return [];
}

/** A dialect may have room for one form of IDs only, and may have no word for a partition. */
function dialectProblems(service: Service): ConfigProblem[] {
  const { name, headerDialect, correlationIds, replyRouting, replyPartitions } = service;
  if (headerDialect === "native") return [];
  const { idForm, replyPartition } = dialectOf(headerDialect);
  const problem = (rule: string): ConfigProblem => ({
    option: `services.${name}.headerDialect`,
    received: show(headerDialect),
    rule,
  });
  const problems: ConfigProblem[] = [];
  if (idForm === "bytes" && correlationIds !== "uuid") {
    problems.push(problem('must go with correlationIds "uuid": 16 bytes hold no other ID'));
  }
  if (
    replyPartition === undefined &&
    replyRouting === "partition" &&
    typeof replyPartitions === "object" &&
    replyPartitions.own.length < replyPartitions.of
  ) {
    problems.push(
      problem(
        'must name a partition where this deployment owns only some; without it replyRouting must be "key" or "shared"',
      ),
    );
  }
  return problems;
}

/**
 * A topic is for requests or for replies, and all who share a reply topic mean the same partitions of it. Whether
 * others write there is a fact of the topic, too; `partition` and `key` may stand side by side.
 */
function topicProblems(services: readonly Service[]): ConfigProblem[] {
  const requestTopics = new Set(services.map(({ requestTopic }) => requestTopic));
  const firsts = new Map<string, Service>();
  return services.flatMap((service) => {
    const problems: ConfigProblem[] = [];
    if (requestTopics.has(service.replyTopic)) {
      problems.push({
        option: `services.${service.name}.replyTopic`,
        received: show(service.replyTopic),
        rule: "must not be a request topic: replies would be read as requests",
      });
    }
    const first = firsts.get(service.replyTopic) ?? service;
    firsts.set(service.replyTopic, first);
    const mustEqual = (option: "replyPartitions" | "replyRouting"): void => {
      problems.push({
        option: `services.${service.name}.${option}`,
        received: show(service[option]),
        rule: `must equal services.${first.name}.${option} (${show(first[option])}), which has the same reply topic`,
      });
    };
    if (show(first.replyPartitions) !== show(service.replyPartitions)) mustEqual("replyPartitions");
    if ((first.replyRouting === "shared") !== (service.replyRouting === "shared")) mustEqual("replyRouting");
    return problems;
  });
}

/** Two routes collide when they are equal but for the names of their parameters. */
function collisionProblems(services: readonly Service[]): ConfigProblem[] {
  const seen = new Map<string, Service>();
  return services.flatMap((service) => {
    const shapes = shapesOf(service);
    const first = shapes.map((shape) => seen.get(shape)).find((other) => other !== undefined);
    for (const shape of shapes) seen.set(shape, service);
    if (first === undefined) return [];
    return [
      {
        option: `services.${service.name}.route`,
        received: show(`${service.method} ${service.path}`),
        rule: `must differ from services.${first.name}.route ("${first.method} ${first.path}")`,
      },
    ];
  });
}

/** The route without the names of its parameters; with and without an optional last one. */
function shapesOf({ method, path }: Service): string[] {
  const [, required, optional] = /^(.*?)(\/:[^/]+\?)?$/.exec(path) ?? [];
  const bare = (text: string) => `${method} ${text.replace(/:[^/{?]+/g, ":") || "/"}`;
  return optional === undefined ? [bare(path)] : [bare(required ?? ""), bare(path.slice(0, -1))];
}

function parametersOf(path: string): string[] {
  return [...path.matchAll(/:([^/{?]+)/g)].map(([, name]) => name ?? "");
}

/** Whether the route's first segment can be this one, whatever follows it. */
function captures(path: string, segment: string): boolean {
  const [, first = ""] = path.split("/");
  const router = new TrieRouter<true>();
  router.add("ANY", `/${first}`, true);
  return router.match("ANY", `/${segment}`)[0].length > 0;
}
