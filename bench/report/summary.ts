// What a summary is: types alone. It is stored as results/summary.json.

import type { ContenderId } from "../contenders/contender.ts";
import type { Figure } from "../raw.ts";
import type { LoadSummary, Times } from "./loads.ts";

export interface Summary {
  readonly targets: readonly TargetResult[];
  /** Those that ran a unit; more than one where files had been changed in between. */
  readonly commits: readonly string[];
  /** When the first and the last unit began, in ISO 8601. */
  readonly ran: { readonly from: string; readonly to: string } | null;
  /** Of what, and which; several where units differ. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
  readonly contenders: readonly ContenderSummary[];
  readonly founding: readonly FoundingSummary[];
  readonly scale: readonly ScaleSummary[];
  readonly remarks: readonly { readonly unit: string; readonly remark: string }[];
}

export interface TargetResult {
  readonly id: string;
  /** 1 to 6: targets that belong together. */
  readonly group: number;
  /** A sentence with the number that is to be reached. */
  readonly target: string;
  /** What was measured, with what it is made of; `not measured`. */
  readonly value: string;
  readonly reached: boolean;
  /** What figures say of the reason, where it is not reached. */
  readonly why?: string;
}

export interface ContenderSummary {
  readonly id: ContenderId;
  /** Null: not measured. */
  readonly atFixedRate: LoadSummary | null;
  readonly atHalfKnee: LoadSummary | null;
  readonly knee: KneeSummary | null;
}

export interface KneeSummary {
  /** Requests per second. */
  readonly median: number;
  readonly rounds: readonly {
    readonly unit: string;
    readonly perSecond: number;
    /** What became of the next rate that was tried, in words. */
    readonly above: string;
  }[];
}

export interface FoundingSummary {
  readonly unit: string;
  readonly contender: ContenderId;
  readonly perSecond: number;
  readonly seconds: number;
  /** Null where no answer was right. */
  readonly times: Times | null;
  /** Right answers per second, from the first request to the last answer. */
  readonly throughput: number;
  /** Requests without a right answer, in per cent. */
  readonly errorPercent: number;
  readonly load: LoadSummary;
  /** In words: fates, and how busy processes were. */
  readonly seen: string;
  readonly figures: readonly Figure[];
}

export interface ScaleSummary {
  readonly unit: string;
  readonly figures: readonly Figure[];
  readonly loads: readonly {
    readonly name: string;
    readonly contender: ContenderId;
    readonly load: LoadSummary;
  }[];
}
