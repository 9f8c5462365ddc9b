import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import { type Kernel, makeKernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"
import { DelegateService } from "../../src/services/DelegateService.ts"

const call = (kernel: Kernel, command: string, conf: object = {}, containerID = "c1", type = "host-local") =>
  DelegateService.pipe(
    Effect.flatMap(({ run }) =>
      run({
        type,
        path: ["/opt/cni/bin"],
        env: { CNI_COMMAND: command, CNI_CONTAINERID: containerID, CNI_IFNAME: "net1" },
        stdin: JSON.stringify({ cniVersion: "1.0.0", name: "mynet", ipam: { type, subnet: "10.9.0.0/24" }, ...conf }),
        timeout: 1000
      })
    ),
    Effect.provide(mockLayer(kernel))
  )

describe("the in-memory host-local", () => {
  it.effect("allots an address of the subnet, and remembers it until DEL", () =>
    Effect.gen(function* () {
      const kernel = makeKernel()
      const before = kernel.snapshot()
      const result = JSON.parse(yield* call(kernel, "ADD"))
      assert.deepStrictEqual(result.ips, [{ address: "10.9.0.2/24", gateway: "10.9.0.1" }])
      assert.strictEqual(JSON.parse(yield* call(kernel, "ADD", {}, "c2")).ips[0].address, "10.9.0.3/24")
      yield* call(kernel, "CHECK")
      yield* call(kernel, "DEL")
      yield* call(kernel, "DEL", {}, "c2")
      assert.deepStrictEqual(kernel.snapshot(), before)
    })
  )

  it.effect("answers in the configuration's version", () =>
    Effect.gen(function* () {
      const kernel = makeKernel()
      const old = JSON.parse(yield* call(kernel, "ADD", { cniVersion: "0.2.0" }))
      assert.strictEqual(old.ip4.ip, "10.9.0.2/24")
      const middle = JSON.parse(yield* call(kernel, "ADD", { cniVersion: "0.4.0" }, "c2"))
      assert.strictEqual(middle.ips[0].version, "4")
    })
  )

  it.effect("refuses a second ADD, and a CHECK without one, with an error object on stdout", () =>
    Effect.gen(function* () {
      const kernel = makeKernel()
      yield* call(kernel, "ADD")
      for (const refused of [call(kernel, "ADD"), call(kernel, "CHECK", {}, "c9")]) {
        const error = yield* Effect.flip(refused)
        assert.strictEqual(error._tag, "DelegateFailed")
        assert.strictEqual(error._tag === "DelegateFailed" && JSON.parse(error.stdout).code, 999)
      }
    })
  )

  it.effect("GC keeps the valid attachments and those of other networks", () =>
    Effect.gen(function* () {
      const kernel = makeKernel()
      yield* call(kernel, "ADD")
      yield* call(kernel, "ADD", {}, "c2")
      yield* call(kernel, "ADD", { name: "other" }, "c3")
      yield* call(kernel, "GC", { "cni.dev/valid-attachments": [{ containerID: "c2", ifname: "net1" }] })
      assert.deepStrictEqual(
        kernel.snapshot().reservations["host-local"]?.map(({ containerID }) => containerID),
        ["c2", "c3"]
      )
    })
  )

  it.effect("is found by its type; other plugins can be put beside it", () =>
    Effect.gen(function* () {
      const kernel = makeKernel()
      assert.strictEqual((yield* Effect.flip(call(kernel, "ADD", {}, "c1", "dhcp")))._tag, "DelegateNotFound")
      kernel.plugins.set("dhcp", () => ({ stdout: "garbage", stderr: "panic", status: 2 }))
      const error = yield* Effect.flip(call(kernel, "ADD", {}, "c1", "dhcp"))
      assert.deepInclude({ ...error }, { status: "exit status 2", stdout: "garbage", stderr: "panic" })
    })
  )
})
