/** Edits of the device plugin. */
import { type Edit, edits } from "./Edit.ts"

export const devicePluginEdits: ReadonlyArray<Edit> = [
  ...edits(
    "device-plugin/endpoint/step.ts",
    ["device-plugin/endpoint/endpointSteps.test.ts", "device-plugin/endpoint/endpoint.test.ts"],
    [
      [`socket === "taken" ? truce : firstDelay`, "firstDelay"],
      ["failures: 0, notBefore: 0 }, actions: forgotten.actions", "failures: 0 }, actions: forgotten.actions"],
      [" || event.number !== state.registrations", ""],
      ["if (!registration.dialled) return { state, actions: [] }", ""],
      ["now < registration.at + dialLimit", "true"],
      ["if (now < state.notBefore) return", "if (false) return"]
    ]
  ),
  ...edits(
    "device-plugin/endpoint/answers.ts",
    ["device-plugin/answers.test.ts"],
    [
      [
        "const stranger = devices.find((id) => !isDeviceOf(resource, id))",
        "const stranger: string | undefined = undefined"
      ],
      ["if (holder !== undefined) {", "if (holder === undefined) {"]
    ]
  ),
  ...edits(
    "device-plugin/endpoint/sockets.ts",
    ["device-plugin/endpoint/endpoint.test.ts"],
    [
      ["=== identity", '!== ""'],
      [
        `error.code === "ECONNREFUSED"`,
        "true",
        "a living socket refuses otherwise only where its backlog is full or it is another user's; a server of node's accepts at once, and tests are root"
      ]
    ]
  ),
  ...edits(
    "device-plugin/offer/cleanUp.ts",
    ["device-plugin/cleanUp.test.ts"],
    [
      ["if (now - since >= grace) return true", "return true"],
      ["if (allotted.has(deviceID)) return false", ""],
      ["if (allotted === undefined) return false", ""]
    ]
  ),
  ...edits(
    "device-plugin/offer/lowerDevice.ts",
    ["device-plugin/lowerDevice.test.ts", "device-plugin/Offer.test.ts"],
    [
      ["!hardware.wireless", "true"],
      [`name !== "lo" && `, ""]
    ]
  ),
  ...edits(
    "device-plugin/config/parseConfig.ts",
    ["device-plugin/parseConfig.test.ts"],
    [
      [`mode === "passthru" ? 1 : largestCapacity`, "largestCapacity"],
      ["key.toLowerCase() === text.toLowerCase()", "key === text"]
    ]
  )
]
