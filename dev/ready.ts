// Waits for something that was started to answer.

const pollMs = 100;
const answerTimeoutMs = 3_000;

/** Whether `url` answered with a 2xx within `timeoutMs`; gives up at once when `isEnding` says so. */
export async function becomesOk(url: string, timeoutMs: number, isEnding: () => boolean): Promise<boolean> {
  const giveUpAt = Date.now() + timeoutMs;
  while (!isEnding() && Date.now() <= giveUpAt) {
    if (await answers(url)) return true;
    await new Promise((wake) => setTimeout(wake, pollMs));
  }
  return false;
}

/** Whether `url` answers with a 2xx now; 3 s are long enough for that. */
export async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) })).ok;
  } catch {
    return false;
  }
}
