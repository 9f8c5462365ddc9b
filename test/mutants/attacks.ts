/** Edits of what keeps pods from each other's taps, noticed by random sequences of two pods that may do anything. */
import { type Edit, edits } from "./Edit.ts"

const sequences = ["attacks/sequences/sequences.test.ts"]

export const attackEdits: ReadonlyArray<Edit> = [
  ...edits("plugin/link/number.ts", sequences, [
    ["    if (!(yield* isOver(inTheWay))) return false\n", ""],
    ["if (!(yield* mayBeOpened(number, taker, of))) return true", "if (true) return true"],
    ["if (yield* isOthers(claim, taker)) return true", "if (false) return true"],
    [
      "if (claim.deviceID !== undefined) return claim.deviceID !== deviceID",
      "if (claim.deviceID !== undefined) return false"
    ]
  ]),
  ...edits("plugin/link/make.ts", sequences, [["    yield* Scope.provide(keepNumbersBack(taker), kept)\n", ""]]),
  ...edits("plugin/device/owner.ts", sequences, [
    ["  if (podUid !== undefined && pods.includes(podUid)) return\n", "  return\n"]
  ]),
  ...edits("plugin/commands/del.ts", sequences, [
    ["onIt.some(({ attachment }) => attachment?.alias === ownAlias(config))", "onIt.length >= 0"]
  ]),
  ...edits("plugin/device/attach.ts", sequences, [["if (former !== undefined && former !== number)", "if (false)"]]),
  ...edits("devices/placeholders.ts", sequences, [
    ["if (yield* mayBeOpened(yield* tap.deviceNumber(netns, { name, index }))) continue", ""]
  ])
]
