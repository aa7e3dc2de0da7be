// The operator path that shows who is let through to each service now, in the isolate that happens to answer.

import type { Context } from "hono";
import type { Admission } from "../admission/admission.ts";
import type { AppEnv } from "../app.ts";

export function admissionHandler(admissions: ReadonlyMap<string, Admission>) {
  return function answerAdmission(c: Context<AppEnv>): Response {
    const now = Date.now();
    const services = Object.fromEntries(Array.from(admissions, ([name, one]) => [name, one.report(now)]));
    return c.json({ services });
  };
}
