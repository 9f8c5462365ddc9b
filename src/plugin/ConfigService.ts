/** What this call asks for: the environment and stdin, decoded and validated before any command runs. */
import * as Context from "effect/Context"
import type { Attachment } from "../cni/call/Environment.ts"
import type { LinkConf } from "../cni/config/LinkConf.ts"
import type { NetConf } from "../cni/config/NetConf.ts"
import type { Result } from "../cni/result/Result.ts"

export class ConfigService extends Context.Service<
  ConfigService,
  {
    readonly network: NetConf
    /** Whom the call is about; its parts are empty where the command has none (GC, STATUS). */
    readonly attachment: Attachment
    /** K8S_POD_NAMESPACE: the Kubernetes namespace of the pod. */
    readonly podNamespace?: string
    /** K8S_POD_UID of CNI_ARGS: the pod, as the kubelet knows it. */
    readonly podUid?: string
    /** What the link shall be; for DEL and GC, which must not fail on it, nothing but defaults. */
    readonly link: LinkConf
    /** The chain's result so far (ADD), or the final one (CHECK). */
    readonly prevResult?: Result
    /** What a delegate is run with. */
    readonly delegates: {
      readonly path: ReadonlyArray<string>
      readonly env: Readonly<Record<string, string | undefined>>
    }
    /** CNI_NETNS_OVERRIDE: the caller means it when it names the plugin's own namespace. */
    readonly netnsOverride: boolean
  }
>()("macvtap-cni/services/ConfigService") {}
