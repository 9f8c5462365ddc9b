/** Runs another CNI plugin (an IPAM plugin) as a process: found in CNI_PATH, given an environment and stdin. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

export interface DelegateCall {
  /** `ipam.type`: a file name, never a path. */
  readonly type: string
  /** The folders of CNI_PATH, in order. */
  readonly path: ReadonlyArray<string>
  /** The call's environment; of it the child gets what the protocol names: CNI_*, PATH, and a trace's context. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: string
  /** Milliseconds after which the child (and its process group) is killed. */
  readonly timeout: number
}

/** No regular file of that name in any folder. */
export class DelegateNotFound extends Data.TaggedError("DelegateNotFound")<{
  readonly type: string
  readonly path: ReadonlyArray<string>
}> {}

/** It ended with another status than 0. CNI wants its error object on stdout; stderr is for people. */
export class DelegateFailed extends Data.TaggedError("DelegateFailed")<{
  readonly type: string
  /** `exit status 1`, `signal SIGKILL`. */
  readonly status: string
  readonly stdout: string
  readonly stderr: string
}> {}

/** It could not be started (`EACCES`, `ENOEXEC` …), or it broke off the conversation. */
export class DelegateUnusable extends Data.TaggedError("DelegateUnusable")<{
  readonly type: string
  readonly file: string
  readonly errno: string
}> {}

/** It did not end within the time limit, and was killed. */
export class DelegateTimeout extends Data.TaggedError("DelegateTimeout")<{
  readonly type: string
  readonly timeout: number
}> {}

export type DelegateError = DelegateNotFound | DelegateFailed | DelegateUnusable | DelegateTimeout

export class DelegateService extends Context.Service<
  DelegateService,
  {
    /** Runs the call to its end and returns its stdout; its stderr is copied to ours. Interruption kills the child. */
    readonly run: (call: DelegateCall) => Effect.Effect<string, DelegateError>
  }
>()("macvtap-cni/services/DelegateService") {}
