// The operator paths for dead letters: list, show, re-drive, discard. What becomes of them is the drain's business;
// here it is only asked for and put into HTTP.

import type { Context } from "hono";
import { drainOf, type NoRecord } from "../../consumer/library.ts";
import type { AppEnv, GatewayDeps } from "../app.ts";
import { respondProblem } from "../http/respond.ts";

const defaultLimit = 20;
const maxLimit = 100;

export type DeadLetterHandlers = Readonly<
  Record<"list" | "show" | "redrive" | "redriveAll" | "discard", (c: Context<AppEnv>) => Promise<Response>>
>;

export function deadLetterHandlers(deps: GatewayDeps): DeadLetterHandlers {
  const drain = (c: Context<AppEnv>) => drainOf(deps.placementFor(c.env));
  const idOf = (c: Context<AppEnv>): number => Number(c.req.param("id"));
  return {
    list: async (c) => {
      const limit = readWhole(c.req.query("limit")) ?? defaultLimit;
      const before = readWhole(c.req.query("before"));
      if (!(limit >= 1 && limit <= maxLimit) || Number.isNaN(before)) {
        return badQuery(c, `limit is 1 to ${maxLimit}, before an ID`);
      }
      return c.json(await drain(c).deadLetters(limit, before));
    },

    show: async (c) => {
      const found = await drain(c).deadLetter(idOf(c));
      return "status" in found ? notThere(c, found) : c.json(found);
    },

    redrive: async (c) => {
      const outcome = await drain(c).redrive(idOf(c));
      return outcome.status === "redriven" ? c.json({ verdict: outcome.verdict }) : notThere(c, outcome);
    },

    redriveAll: async (c) => {
      const before = readWhole(c.req.query("before"));
      if (Number.isNaN(before)) return badQuery(c, "before is an ID");
      return c.json(await drain(c).redriveAll(before));
    },

    discard: async (c) => {
      const wasThere = await drain(c).discard(idOf(c));
      return wasThere ? c.body(null, 204) : notThere(c, { status: "unknown" });
    },
  };
}

/** NaN for what is no whole number. */
function readWhole(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^[0-9]{1,16}$/.test(text) ? Number(text) : NaN;
}

function badQuery(c: Context<AppEnv>, detail: string): Response {
  return respondProblem("bad_request", c.get("correlationId"), { detail });
}

function notThere(c: Context<AppEnv>, { status }: NoRecord): Response {
  const correlationId = c.get("correlationId");
  switch (status) {
    case "unknown":
      return respondProblem("dead_letter_unknown", correlationId);
    case "gone":
      return respondProblem("dead_letter_gone", correlationId);
    case "unreachable":
      return respondProblem("dead_letter_unreachable", correlationId, { headers: { "Retry-After": "1" } });
  }
}
