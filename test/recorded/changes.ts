/**
 * What the executable answers otherwise than it did when the record was made, on purpose: with the reason, and for each
 * call what it answers now. No other difference is allowed, and none may be listed that is not there.
 */

export interface Change {
  readonly reason: string
  /** By the call's name in answers.jsonl: what is another now. The rest of the answer is as recorded. */
  readonly calls: Readonly<
    Record<string, { readonly status?: number; readonly stdout?: string; readonly stderr?: string }>
  >
}

export const changes: ReadonlyArray<Change> = []
