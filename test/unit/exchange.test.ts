// The decisions about a durable exchange, with literal instants. The runtime tests show that the object follows them.

import { describe, expect, test } from "vitest";
import {
  cancel,
  confirm,
  deliver,
  leaseMs,
  look,
  nextExpiry,
  open,
  type Exchange,
  type ExchangeStep,
  type Terms,
} from "../../durable/exchange.ts";
import type { Delivery } from "../../durable/waiter-state.ts";
import { encodeText, type Attempt, type OpenOutcome, type Reply } from "../../protocol/index.ts";

const terms: Terms = {
  service: "shop",
  principal: "anna",
  replyTopic: "replies",
  fingerprint: "a digest",
  createdAt: 1_000,
  deadlineAt: 11_000,
  keepUntil: 60_000,
};
/** The same request, asked anew at another instant. */
const asked = (createdAt: number): Terms => ({
  ...terms,
  createdAt,
  deadlineAt: createdAt + 10_000,
  keepUntil: createdAt + 59_000,
});
const firstAttempt: Attempt = { attempt: 1_000, createdAt: 1_000, deadlineAt: 11_000, keepUntil: 60_000 };
const replyOf = (text: string): Reply => ({ status: 200, body: encodeText(text) });
const record = (source: string, topic = "replies"): Delivery => ({ source, topic, reply: replyOf(source) });
const refused = { status: "refused", retryAfter: 7 } as const;
const appended = { status: "appended" } as const;

/** What is stored after a step that must store something. */
function stored({ exchange }: ExchangeStep<unknown>): Exchange {
  if (exchange === undefined) throw new Error("nothing is kept");
  return exchange;
}

const fresh = stored(open(undefined, terms, "first", 1_010));
const confirmed = stored(confirm(fresh, 1_000, appended));
const answered = stored(deliver(confirmed, record("replies/0/1"), 5_000));
const answeredLate = stored(deliver(confirmed, record("replies/0/1"), 11_000));
const cancelled = stored(cancel(confirmed, "anna", 5_000));
const takenOver = stored(open(fresh, terms, "second", 1_010 + leaseMs));
const refusedButPerhapsWritten = stored(confirm(takenOver, 1_000, refused));

describe("opening", () => {
  test("the first caller is to produce, and has three seconds to say that it did", () => {
    const step = open(undefined, terms, "first", 1_010);
    expect(step.said).toEqual({ status: "created", attempt: firstAttempt });
    expect(step.exchange).toEqual({
      ...terms,
      attempt: 1_000,
      opener: "first",
      confirmBy: 4_010,
      mayBeWritten: false,
    });
    expect(step).not.toHaveProperty("release");
  });

  test("who asks again with the same name is told the same, and its lease is not moved", () => {
    for (const now of [1_011, 4_009, 4_010, 10_999]) {
      const again = open(fresh, terms, "first", now);
      expect(again.said).toEqual({ status: "created", attempt: firstAttempt });
      expect(again.exchange).toBe(fresh);
    }
  });

  test("whoever comes meanwhile joins, and is told from when on it may produce itself", () => {
    const joined = open(fresh, asked(2_000), "second", 4_009);
    expect(joined.said).toEqual({ status: "joined", attempt: firstAttempt, confirmBy: 4_010 });
    expect(joined.exchange).toBe(fresh);
  });

  test("once the record is known to be written nobody is to produce again, not even its opener", () => {
    for (const opener of ["first", "second"]) {
      const joined = open(confirmed, terms, opener, 10_999);
      expect(joined.said).toEqual({ status: "joined", attempt: firstAttempt, confirmBy: undefined });
      expect(joined.exchange).toBe(confirmed);
    }
  });

  test("after the lease one caller takes over, with the same attempt, and the others join that one", () => {
    const taken = open(fresh, asked(4_000), "second", 4_010);
    expect(taken.said).toEqual({ status: "takeover", attempt: firstAttempt });
    expect(taken.exchange).toMatchObject({ opener: "second", confirmBy: 7_010, mayBeWritten: true });
    for (const late of ["third", "first"]) {
      const joined = open(taken.exchange, terms, late, 4_010);
      expect(joined.said).toEqual({ status: "joined", attempt: firstAttempt, confirmBy: 7_010 });
      expect(joined.exchange).toBe(taken.exchange);
    }
    expect(open(taken.exchange, terms, "third", 7_010).said.status).toBe("takeover");
  });

  test("once the record could be taken for another one, who takes over does so with an attempt of its own", () => {
    // The bridge knows a record again for a minute, and whoever produces it repeats it for almost half of that.
    const lastOfTheSame = open({ ...fresh, deadlineAt: 500_000 }, terms, "second", 30_999);
    expect(lastOfTheSame.said).toMatchObject({ status: "takeover", attempt: { attempt: 1_000 } });
    const another = open({ ...fresh, deadlineAt: 500_000 }, terms, "second", 31_000);
    expect(another.said).toEqual({
      status: "takeover",
      attempt: { ...firstAttempt, attempt: 31_000, deadlineAt: 500_000 },
    });
    // Those who wait go on: nothing else has changed.
    expect(another).not.toHaveProperty("release");
    expect(confirm(another.exchange, 1_000, refused)).toEqual({ exchange: another.exchange, said: "ended" });
  });

  test("who took over and asks again is to produce, as it was told", () => {
    expect(open(takenOver, terms, "second", 5_000)).toEqual({
      exchange: takenOver,
      said: { status: "created", attempt: firstAttempt },
    });
  });

  test("another request under the same key is a conflict, whatever has become of the first, and changes nothing", () => {
    const exchanges = [fresh, confirmed, answered, answeredLate, cancelled, refusedButPerhapsWritten];
    for (const exchange of exchanges) {
      for (const other of [
        { ...terms, fingerprint: "another" },
        { ...terms, principal: "bert" },
      ]) {
        const step = open(exchange, other, "first", 12_000);
        expect(step).toEqual({ exchange, said: { status: "conflict" } });
      }
    }
  });

  test("what is answered stays answered until retention ends, whether or not the answer was late", () => {
    for (const exchange of [answered, answeredLate]) {
      const step = open(exchange, asked(59_000), "second", 59_999);
      expect(step.said).toEqual({ status: "replied" });
      expect(step.exchange).toBe(exchange);
    }
  });

  test("what is cancelled stays cancelled until retention ends", () => {
    expect(open(cancelled, asked(59_000), "second", 59_999)).toEqual({
      exchange: cancelled,
      said: { status: "cancelled" },
    });
  });

  test("an attempt that expired is opened again under terms of its own, and may have left a record", () => {
    const again = open(confirmed, asked(20_000), "second", 20_010);
    expect(again.said).toEqual({
      status: "created",
      attempt: { attempt: 20_000, createdAt: 20_000, deadlineAt: 30_000, keepUntil: 79_000 },
    });
    expect(again.exchange).toMatchObject({ opener: "second", confirmBy: 23_010, mayBeWritten: true });
  });

  test("those who still wait for an attempt when the next one is opened are told that theirs has expired", () => {
    const again = open(confirmed, asked(11_000), "second", 11_000);
    expect(again.release).toEqual({ status: "expired", deadlineAt: 11_000 });
    // After a refusal nobody waits.
    expect(open(refusedButPerhapsWritten, asked(6_000), "third", 6_000)).not.toHaveProperty("release");
  });

  test("an attempt is over at its deadline, not a millisecond before", () => {
    expect(open(confirmed, asked(10_900), "second", 10_999).said.status).toBe("joined");
    expect(open(confirmed, asked(10_900), "second", 11_000).said.status).toBe("created");
  });

  test("a new attempt is larger than the one before, though the clock of its Worker is behind", () => {
    const again = open(confirmed, asked(900), "second", 11_000);
    expect(again.exchange?.attempt).toBe(1_001);
  });

  test("a refused attempt is opened again at once, where a record of it may exist", () => {
    const again = open(refusedButPerhapsWritten, asked(6_000), "third", 6_000);
    expect(again.said).toMatchObject({ status: "created", attempt: { attempt: 6_000, deadlineAt: 16_000 } });
    expect(again.exchange).not.toHaveProperty("end");
  });

  test("after retention a key begins anew, whatever it was and whoever asks", () => {
    for (const exchange of [fresh, answered, cancelled, refusedButPerhapsWritten]) {
      const other = { ...asked(60_000), fingerprint: "another", principal: "bert" };
      const anew = open(exchange, other, "second", 60_000);
      expect(anew.said).toMatchObject({ status: "created", attempt: { attempt: 60_000 } });
      expect(anew.exchange).toEqual({
        ...other,
        attempt: 60_000,
        opener: "second",
        confirmBy: 63_000,
        mayBeWritten: false,
      });
    }
  });
});

describe("what becomes of the produce", () => {
  test("a record that is written ends the lease and nobody's wait", () => {
    const step = confirm(fresh, 1_000, appended);
    expect(step.said).toBe("goes-on");
    expect(step.exchange?.confirmBy).toBeUndefined();
    expect(step.exchange?.mayBeWritten).toBe(true);
    expect(step).not.toHaveProperty("release");
  });

  test("said twice it changes nothing", () => {
    expect(confirm(confirmed, 1_000, appended)).toEqual({ exchange: confirmed, said: "goes-on" });
  });

  test("a refusal where no record can exist leaves nothing behind, and ends all waits", () => {
    expect(confirm(fresh, 1_000, refused)).toEqual({ exchange: undefined, said: "ended", release: refused });
  });

  test("a refusal where a record may exist ends all waits, and is kept for the reply that may come", () => {
    const step = confirm(takenOver, 1_000, refused);
    expect(step).toMatchObject({ said: "ended", release: refused, exchange: { end: refused } });
    expect(step.exchange?.confirmBy).toBeUndefined();
    expect(look(step.exchange, "anna", 5_000)).toEqual(refused);
  });

  test("a refusal after somebody said that the record is written is no refusal", () => {
    expect(confirm(confirmed, 1_000, refused)).toEqual({ exchange: confirmed, said: "goes-on" });
  });

  test("a word about another attempt, after the end, or about nothing changes nothing", () => {
    const again = stored(open(confirmed, asked(20_000), "second", 20_000));
    for (const produced of [appended, refused]) {
      expect(confirm(again, 1_000, produced)).toEqual({ exchange: again, said: "ended" });
      expect(confirm(cancelled, 1_000, produced)).toEqual({ exchange: cancelled, said: "ended" });
      expect(confirm(answered, 1_000, produced)).toEqual({ exchange: answered, said: "ended" });
      expect(confirm(undefined, 1_000, produced)).toEqual({ exchange: undefined, said: "ended" });
    }
  });
});

describe("a reply", () => {
  test("is stored, ends all waits, and spares the opener its word", () => {
    const step = deliver(fresh, record("replies/0/1"), 10_999);
    expect(step).toMatchObject({
      said: "accepted",
      reply: replyOf("replies/0/1"),
      release: { status: "replied", reply: replyOf("replies/0/1") },
      exchange: { end: { status: "replied", source: "replies/0/1", late: false } },
    });
    expect(step.exchange?.confirmBy).toBeUndefined();
  });

  test("at the deadline or after it is late, and is the answer from then on", () => {
    const step = deliver(confirmed, record("replies/0/1"), 11_000);
    expect(step).toMatchObject({
      said: "late",
      reply: replyOf("replies/0/1"),
      exchange: { end: { late: true } },
    });
    expect(look(step.exchange, "anna", 11_001)).toEqual({ status: "replied" });
    expect(open(step.exchange, asked(20_000), "second", 20_000).said).toEqual({ status: "replied" });
  });

  test("that is read again gets the same word again, at any time, and is not stored again", () => {
    for (const now of [5_001, 11_000, 59_999, 70_000]) {
      expect(deliver(answered, record("replies/0/1"), now)).toEqual({ exchange: answered, said: "accepted" });
      expect(deliver(answeredLate, record("replies/0/1"), now)).toEqual({
        exchange: answeredLate,
        said: "late",
      });
    }
  });

  test("that is not the first one is a duplicate and changes nothing", () => {
    for (const exchange of [answered, answeredLate]) {
      expect(deliver(exchange, record("replies/0/2"), 12_000)).toEqual({ exchange, said: "duplicate" });
    }
  });

  test("from another topic is foreign and changes nothing, before the answer and after", () => {
    for (const exchange of [fresh, confirmed, answered, cancelled]) {
      const step = deliver(exchange, record("others/0/1", "others"), 5_000);
      expect(step).toEqual({ exchange, said: "foreign" });
    }
  });

  test("to a cancelled exchange is late and not kept", () => {
    expect(deliver(cancelled, record("replies/0/1"), 5_001)).toEqual({ exchange: cancelled, said: "late" });
  });

  test("after retention is late and not kept", () => {
    expect(deliver(confirmed, record("replies/0/1"), 60_000)).toEqual({ exchange: confirmed, said: "late" });
  });

  test("to a refused attempt whose record was written after all is late, and the answer", () => {
    const step = deliver(refusedButPerhapsWritten, record("replies/0/1"), 6_000);
    expect(step).toMatchObject({ said: "late", reply: replyOf("replies/0/1") });
    expect(open(step.exchange, asked(7_000), "third", 7_000).said).toEqual({ status: "replied" });
  });

  test("to an attempt before this one is the answer of this one", () => {
    const again = stored(open(confirmed, asked(20_000), "second", 20_000));
    const step = deliver(again, record("the reply to the first record"), 20_001);
    expect(step).toMatchObject({ said: "accepted", release: { status: "replied" } });
  });
});

describe("looking", () => {
  test("tells how things stand", () => {
    const { createdAt, deadlineAt } = terms;
    expect(look(fresh, "anna", 10_999)).toEqual({ status: "waiting", createdAt, deadlineAt });
    expect(look(confirmed, "anna", 11_000)).toEqual({ status: "expired", deadlineAt });
    expect(look(answered, "anna", 59_999)).toEqual({ status: "replied" });
    expect(look(cancelled, "anna", 59_999)).toEqual({ status: "cancelled" });
    expect(look(undefined, "anna", 1)).toEqual({ status: "gone" });
  });

  test("after retention finds nothing, whoever asks", () => {
    for (const exchange of [fresh, answered, cancelled]) {
      expect(look(exchange, "anna", 60_000)).toEqual({ status: "gone" });
      expect(look(exchange, "bert", 60_000)).toEqual({ status: "gone" });
    }
  });

  test("at another's exchange is forbidden, whatever has become of it", () => {
    for (const exchange of [fresh, answered, cancelled, refusedButPerhapsWritten]) {
      expect(look(exchange, "bert", 5_000)).toEqual({ status: "forbidden" });
    }
  });
});

describe("cancelling", () => {
  test("ends all waits and the lease, and a second time is told the same", () => {
    const step = cancel(fresh, "anna", 2_000);
    expect(step).toMatchObject({ said: "cancelled", release: { status: "cancelled" } });
    expect(step.exchange?.confirmBy).toBeUndefined();
    expect(cancel(step.exchange, "anna", 3_000)).toEqual({ exchange: step.exchange, said: "cancelled" });
  });

  test("an expired or a refused exchange is still possible: no later reply becomes its answer", () => {
    for (const exchange of [confirmed, refusedButPerhapsWritten]) {
      const step = cancel(exchange, "anna", 12_000);
      expect(step.said).toBe("cancelled");
      expect(deliver(stored(step), record("replies/0/1"), 12_001).said).toBe("late");
      expect(open(step.exchange, asked(13_000), "third", 13_000).said).toEqual({ status: "cancelled" });
    }
  });

  test("what is answered, gone or another's changes nothing", () => {
    expect(cancel(answered, "anna", 6_000)).toEqual({ exchange: answered, said: "answered" });
    expect(cancel(answeredLate, "anna", 12_000)).toEqual({ exchange: answeredLate, said: "answered" });
    expect(cancel(confirmed, "bert", 6_000)).toEqual({ exchange: confirmed, said: "forbidden" });
    expect(cancel(confirmed, "anna", 60_000)).toEqual({ exchange: confirmed, said: "gone" });
    expect(cancel(undefined, "anna", 1)).toEqual({ exchange: undefined, said: "gone" });
  });
});

describe("what nobody in particular opened", () => {
  const nobodys = { ...confirmed, principal: "" };

  test("belongs to whoever knows its ID, whether they have a name or not", () => {
    for (const principal of ["", "anna", "bert"]) {
      expect(look(nobodys, principal, 2_000)).toMatchObject({ status: "waiting" });
      expect(look({ ...answered, principal: "" }, principal, 12_000)).toEqual({ status: "replied" });
      expect(cancel(nobodys, principal, 2_000).said).toBe("cancelled");
    }
  });

  test("is no other's key: under a name it is another request", () => {
    expect(open(nobodys, terms, "second", 2_000).said).toEqual({ status: "conflict" });
  });
});

test("an exchange that somebody opened is not nobody's: without a name it is forbidden", () => {
  expect(look(answered, "", 12_000)).toEqual({ status: "forbidden" });
  expect(cancel(confirmed, "", 2_000)).toEqual({ exchange: confirmed, said: "forbidden" });
});

test("those who wait are told at the deadline, unless the end came before", () => {
  expect(nextExpiry(fresh)).toBe(11_000);
  expect(nextExpiry(confirmed)).toBe(11_000);
  for (const over of [answered, cancelled, refusedButPerhapsWritten, undefined]) {
    expect(nextExpiry(over)).toBeUndefined();
  }
});

// -- Whatever happens, in whatever order ---------------------------------------------------------

/** mulberry32: the same seed gives the same walk. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One exchange under random events, as the object would drive it, with what must hold checked after each. */
class Walk {
  readonly #random: () => number;
  readonly #trail: string[] = [];
  #now = 1_000;
  #exchange: Exchange | undefined;
  /** As the object stores it: with the exchange that the step gave. */
  #reply: Reply | undefined;
  /** Of the present life of the key, by source. */
  #verdicts = new Map<string, string>();
  /** Attempts that may have a record. */
  readonly #attempts = new Set<number>();
  #takeoverBy: { readonly attempt: number; readonly until: number } | undefined;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  run(events: number): void {
    for (let event = 0; event < events; event++) {
      this.#now += this.#pick([0, 1, 10, 900, 3_000, 3_001, 10_000, 10_000, 30_000, 59_000]);
      const happen = this.#pick([
        () => this.#open(),
        () => this.#open(),
        () => this.#confirm(),
        () => this.#deliver(),
        () => this.#deliver(),
        () => this.#cancel(),
      ]);
      happen();
      this.#checkLook();
    }
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  #check(claim: string, holds: boolean): void {
    if (!holds) throw new Error(`${claim}, after\n${this.#trail.slice(-12).join("\n")}`);
  }

  #note(event: string, step: ExchangeStep<unknown>): void {
    this.#trail.push(`${this.#now} ${event}: ${JSON.stringify(step.said)} ${JSON.stringify(step.exchange)}`);
    const before = this.#exchange;
    const hadReply = this.#reply;
    this.#check(
      "a reply comes only with what stores it",
      step.reply === undefined || step.exchange !== before,
    );
    if (step.exchange !== before) {
      this.#exchange = step.exchange;
      this.#reply = step.reply ?? hadReply;
    }
    if (hadReply !== undefined) {
      this.#check("a stored reply never changes", this.#reply === hadReply);
      this.#check("an answered exchange is not written again", this.#exchange === before);
      this.#check("an answer releases nobody twice", step.release === undefined);
    }
    if (step.release?.status === "replied") {
      this.#check("who waits is given what is stored", step.release.reply === this.#reply);
    }
    if (before?.end?.status === "cancelled") {
      this.#check("what is cancelled stays as it is", this.#exchange === before);
    }
    if (before?.end !== undefined && step.release !== undefined && event !== "cancel") {
      this.#check("nobody waits after the end but for a reply", step.release.status === "replied");
    }
  }

  /** As the object does before it opens: what is over is removed with its reply. */
  #forgetWhatIsOver(): void {
    if (this.#exchange === undefined || this.#now < this.#exchange.keepUntil) return;
    this.#exchange = undefined;
    this.#reply = undefined;
    this.#verdicts = new Map();
  }

  #open(): void {
    this.#forgetWhatIsOver();
    const wanted = {
      ...asked(this.#now - this.#pick([0, 5, 500])),
      ...this.#pick([{}, {}, { deadlineAt: this.#now + 50_000 }]),
      fingerprint: this.#pick(["a digest", "a digest", "a digest", "another"]),
    };
    const before = this.#exchange;
    const opener = this.#pick(["a", "b", "c"]);
    const step = open(before, wanted, opener, this.#now);
    this.#note(`open by ${opener}`, step);
    this.#checkOpened(step.said, before, opener);
  }

  #checkOpened(
    said: Exclude<OpenOutcome, { status: "replied" }> | { status: "replied" },
    before: Exchange | undefined,
    opener: string,
  ): void {
    this.#check("`replied` is said iff a reply is stored", this.#isReplied(said.status));
    if (said.status === "created" || said.status === "takeover") {
      const { attempt, deadlineAt } = said.attempt;
      const isRepeat = said.status === "created" && before?.opener === opener && before.attempt === attempt;
      const isNew = said.status === "created" && !isRepeat;
      this.#check("an attempt is named once", !isNew || !this.#attempts.has(attempt));
      this.#check(
        "a new attempt is the largest",
        !isNew || [...this.#attempts].every((earlier) => earlier < attempt),
      );
      if (said.status === "takeover") {
        const last = this.#takeoverBy;
        this.#check(
          "within one lease one caller takes over",
          last?.attempt !== attempt || this.#now >= last.until,
        );
        this.#check("who takes over is another caller", before?.opener !== opener);
        this.#check(
          "the same attempt is not produced again when its record may be forgotten",
          attempt !== before?.attempt || this.#now < attempt + 30_000,
        );
        this.#takeoverBy = { attempt, until: this.#now + leaseMs };
      }
      this.#check("what is to be produced is still waited for", this.#exchange?.end === undefined);
      this.#check("a deadline that is told is the stored one", this.#exchange?.deadlineAt === deadlineAt);
      this.#attempts.add(attempt);
    }
    if (said.status === "joined") {
      this.#check("who joins may still be answered", this.#now < said.attempt.deadlineAt);
      this.#check("who joins a lease joins a running one", this.#now < (said.confirmBy ?? Infinity));
    }
  }

  #confirm(): void {
    const attempt = this.#pick([this.#exchange?.attempt ?? 1, this.#exchange?.attempt ?? 1, 1_000]);
    const before = this.#exchange;
    const step = confirm(before, attempt, this.#pick([appended, refused]));
    this.#note("confirm", step);
    this.#check("`ended` leaves nobody waiting", step.said === "goes-on" || this.#isOverFor(attempt));
    if (before !== undefined && step.exchange === undefined) {
      this.#check("only what cannot have a record is forgotten", !before.mayBeWritten);
      this.#attempts.delete(before.attempt);
      this.#verdicts = new Map();
      this.#reply = undefined;
    }
  }

  #isOverFor(attempt: number): boolean {
    return this.#exchange?.attempt !== attempt || this.#exchange.end !== undefined;
  }

  #deliver(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const source = this.#pick(["r/0/1", "r/0/2", "r/0/3"]);
    const topic = this.#pick(["replies", "replies", "replies", "others"]);
    const step = deliver(exchange, record(source, topic), this.#now);
    this.#note(`deliver ${topic} ${source}`, step);
    const before = this.#verdicts.get(`${topic} ${source}`);
    // A reply that was late because its exchange was cancelled or over is told the same for as long as that is kept.
    this.#check("the same record gets the same word", before === undefined || before === step.said);
    this.#verdicts.set(`${topic} ${source}`, step.said);
    const taken = [...this.#verdicts.values()].filter((verdict) => verdict === "accepted").length;
    this.#check("at most one reply is accepted", taken <= 1);
    this.#check("what is accepted is stored", step.said !== "accepted" || this.#reply !== undefined);
  }

  #cancel(): void {
    const hadReply = this.#reply !== undefined;
    const principal = this.#pick(["anna", "anna", "bert"]);
    const step = cancel(this.#exchange, principal, this.#now);
    this.#note("cancel", step);
    this.#check("another's exchange is not cancelled", principal === "anna" || step.said !== "cancelled");
    this.#check("what is answered is not cancelled", !hadReply || step.said !== "cancelled");
  }

  #isReplied(status: string): boolean {
    return (status === "replied") === (this.#reply !== undefined) || status === "conflict";
  }

  #checkLook(): void {
    const { status } = look(this.#exchange, "anna", this.#now);
    this.#check("`replied` is seen iff a reply is stored", this.#isReplied(status) || status === "gone");
    this.#check(
      "nothing is gone before its retention",
      status !== "gone" || this.#now >= (this.#exchange?.keepUntil ?? 0),
    );
    const expiresAt = nextExpiry(this.#exchange);
    this.#check(
      "whoever waits is told at some time",
      status !== "waiting" || (expiresAt !== undefined && expiresAt > this.#now),
    );
  }
}

test("in any order of events one reply at most is stored, it never changes, and every word about it stays true", () => {
  for (let seed = 1; seed <= 4_000; seed++) new Walk(seed).run(30);
});
