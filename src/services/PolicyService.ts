/** The node owner's policy: a file of the node. What is in it is for whoever reads it. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

/** Beside the device plugin's state: a folder that survives a reboot, and that can be written where /etc cannot. */
export const policyPath = "/var/lib/macvtap-cni/policy.json"

/** There is a policy, but it cannot be read; `problem` goes behind the path: `belongs to user 1000, but must be root's`. */
export class PolicyError extends Data.TaggedError("PolicyError")<{ readonly path: string; readonly problem: string }> {}

export class PolicyService extends Context.Service<
  PolicyService,
  {
    /** The file's text, at most `longest` bytes, read anew each time; undefined where the node has no policy. */
    readonly read: (longest: number) => Effect.Effect<string | undefined, PolicyError>
  }
>()("macvtap-cni/services/PolicyService") {}
