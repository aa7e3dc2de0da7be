// What the bridge counts, in the text format of Prometheus. No label takes its values from what callers send:
// routes, forms, statuses and reasons are few. Who may read it is decided in server.ts.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { recordBytes } from "../../protocol/index.ts";
import type { Log } from "../../kafka/log/index.ts";
import type { WireForm } from "./wire-form.ts";

export type FormName = "plain" | "hearback";
export type Overload = "bytes" | "waiting" | "connections";
export type CredentialFailure = "missing" | "wrong" | "busy";

export interface BridgeMetrics {
  readonly registry: Registry;
  /** A figure that is read when somebody looks. Names begin with `hearback_bridge_`. Throws when the name is taken. */
  gauge(name: string, help: string, read: () => number): void;
  /** `route` is a name out of the table of routes, or "none". */
  answered(answer: {
    readonly route: string;
    readonly status: number;
    readonly isPoll: boolean;
    readonly durationMs: number;
  }): void;
  credentialFailed(why: CredentialFailure): void;
  overloaded(what: Overload): void;
  /** The same log, and what goes through it is counted. */
  countLog(log: Log, form: FormName): Log;
  /** The same form, and what it refuses and shows is counted. */
  countForm(form: WireForm, name: FormName): WireForm;
}

export interface MetricsOptions {
  /** Figures of the process as well: CPU, memory, event loop, garbage collection. Once per process. */
  readonly ofProcess?: boolean;
}

const shortSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const pollSeconds = [0.005, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 25, 30];

/** For one bridge: a second one has to have its own. */
export function createMetrics(options: MetricsOptions = {}): BridgeMetrics {
  const registry = new Registry();
  const registers = [registry];
  if (options.ofProcess === true) collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: `hearback_bridge_${name}`, help, labelNames: [...labelNames], registers });

  const requests = counter("requests_total", "Answers, by route and status.", ["route", "status"]);
  const failures = counter("credential_failures_total", "Requests refused for their credentials.", ["why"]);
  const overloads = counter("overload_total", "Requests and connections refused for load.", ["what"]);
  const producedRecords = counter("produced_records_total", "Records taken, absorbed repeats included.", [
    "form",
  ]);
  const producedBytes = counter("produced_bytes_total", "Keys, values and headers of records taken.", [
    "form",
  ]);
  const refusedRecords = counter("refused_records_total", "Records not appended.", ["form", "why"]);
  const fetchedRecords = counter("fetched_records_total", "Records in answers.", ["form"]);
  const fetchedBytes = counter("fetched_bytes_total", "Keys, values and headers in answers.", ["form"]);
  const duration = new Histogram({
    name: "hearback_bridge_request_duration_seconds",
    help: "From the headers of a request to its answer; long polls apart.",
    labelNames: ["route"],
    buckets: shortSeconds,
    registers,
  });
  const pollDuration = new Histogram({
    name: "hearback_bridge_poll_duration_seconds",
    help: "From the headers of a long poll to its answer.",
    labelNames: ["route"],
    buckets: pollSeconds,
    registers,
  });

  return {
    registry,

    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) });
    },

    answered({ route, status, isPoll, durationMs }) {
      requests.inc({ route, status });
      (isPoll ? pollDuration : duration).observe({ route }, durationMs / 1_000);
    },

    credentialFailed: (why) => failures.inc({ why }),
    overloaded: (what) => overloads.inc({ what }),

    countLog: (log, form) => ({
      ...log,
      async produce(records) {
        const answers = await log.produce(records);
        for (const [index, answer] of answers.entries()) {
          const record = records[index];
          if ("refused" in answer) {
            refusedRecords.inc({ form, why: answer.why });
          } else if (record !== undefined) {
            producedRecords.inc({ form });
            producedBytes.inc({ form }, recordBytes(record));
          }
        }
        return answers;
      },
    }),

    countForm: (form, name) => ({
      missingIsError: form.missingIsError,
      parseRecord(message, topic) {
        const record = form.parseRecord(message, topic);
        if ("refused" in record) refusedRecords.inc({ form: name, why: record.why });
        return record;
      },
      refuseAll: (refusal) => form.refuseAll(refusal),
      produceAnswer: (answers, single) => form.produceAnswer(answers, single),
      records(records) {
        fetchedRecords.inc({ form: name }, records.length);
        fetchedBytes.inc(
          { form: name },
          records.reduce((bytes, record) => bytes + recordBytes(record), 0),
        );
        return form.records(records);
      },
      offsets: (offsets) => form.offsets(offsets),
    }),
  };
}
