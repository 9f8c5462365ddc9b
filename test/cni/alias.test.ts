/** Whose a link is, written on the link and read from it. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { describeAlias, encodeAlias, isOfNetwork, readAlias } from "../../src/cni/identity/alias.ts"
import { byteLength, isIdentifier } from "../../src/cni/identity/names.ts"

/** Network names and container IDs of any length. */
const identifier = Arbitrary.schema(
  Schema.Struct({
    word: Schema.Literals(["a", "c1-x", "9.z_"]),
    times: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
  })
).pipe(Arbitrary.map(({ word, times }) => word.repeat(times)))

/** Whatever the kernel takes for a name, up to its 15 bytes. */
const ifname = Arbitrary.schema(Schema.NonEmptyArray(Schema.Literals(["a", "0", "-", "%", "~", "ä", "€"]))).pipe(
  Arbitrary.map((characters) => characters.slice(0, 5).join(""))
)

describe("an alias", () => {
  it("says network, container and ifname", () => {
    const owner = { network: "pods", containerID: "c1", ifname: "net1" }
    assert.strictEqual(encodeAlias(owner), "macvtap-cni:pods/c1/net1")
    assert.deepStrictEqual(readAlias("macvtap-cni:pods/c1/net1"), owner)
    assert.strictEqual(describeAlias("macvtap-cni:pods/c1/net1"), "attachment net1 of container c1 in network pods")
  })

  it("leaves a usual container ID as it is", () => {
    const containerID = "0123456789abcdef".repeat(4)
    const network = "k8s-".repeat(16)
    assert.strictEqual(
      encodeAlias({ network, containerID, ifname: "net1" }),
      `macvtap-cni:${network}/${containerID}/net1`
    )
  })

  it.prop("fits, and can be told from others", [identifier, identifier, ifname], ([network, containerID, name]) => {
    assert.isTrue(isIdentifier(network))
    const alias = encodeAlias({ network, containerID, ifname: name })
    assert.isAtMost(byteLength(alias), 255)
    assert.strictEqual(readAlias(alias)?.ifname, name)
    assert.isTrue(isOfNetwork(alias, network))
    assert.isFalse(isOfNetwork(alias, `${network}x`))
    assert.notStrictEqual(alias, encodeAlias({ network, containerID: `${containerID}x`, ifname: name }))
  })

  it.each(["macvtap-cni:a b/c/d", "macvtap-cni:a/c\u001b/d", "macvtap-cni:a/c/d\u202e", "macvtap-cni:-/c/d"])(
    "%j is nobody's in words",
    (alias) => assert.strictEqual(describeAlias(alias), undefined)
  )

  for (const other of [
    undefined,
    "",
    "eth0",
    "macvtap-cni:",
    "macvtap-cni:a/b",
    "macvtap-cni:a/b/c/d",
    "macvtap-cni:a//c",
    "Macvtap-cni:a/b/c",
    " macvtap-cni:a/b/c"
  ]) {
    it(`${JSON.stringify(other)} is none of ours`, () => {
      assert.strictEqual(readAlias(other), undefined)
      assert.strictEqual(describeAlias(other), undefined)
      assert.isFalse(isOfNetwork(other, "a"))
    })
  }
})
