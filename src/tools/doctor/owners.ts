/** Whether ADD asks the kubelet whose a device is. */
import { join } from "node:path"
import * as Result from "effect/Result"
import { checkpointFile, readCheckpoint } from "../../devices/checkpoint.ts"
import { decodeKubelet, kubeletFile } from "../../devices/kubeletFile.ts"
import { readText } from "../node/files.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

const check = "device owners"

/** Nothing where no device plugin of ours has written anything down. */
export const owners = ({ root, state }: Site): ReadonlyArray<Finding> => {
  const text = readText(kubeletFile(join(root, state)))
  if (text === undefined) return []
  const { folder, checksOwner } = decodeKubelet(text)
  if (!checksOwner) {
    const says = "a network may name any pod's device: the device plugin was started with --no-owner-check"
    return [note(check, says, "leave that out where Multus or the runtime says which pod it is (K8S_POD_UID)")]
  }
  const file = checkpointFile(join(root, folder))
  return [
    Result.match(readCheckpoint(join(root, folder)), {
      onFailure: (problem) =>
        wrong(check, `${problem}; every ADD with a device is refused`, "let the kubelet write it anew"),
      onSuccess: (allotments) =>
        allotments === undefined
          ? note(check, `a network may name any device: there is no ${file}`, "give the device plugin --kubelet-dir")
          : fine(check, `a device is only for the pod to which the kubelet gave it, by ${file}`)
    })
  ]
}
