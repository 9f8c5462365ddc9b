/** CNI_ARGS as the Go library reads it (pkg/types/args.go), with the keys that we know. */
import { assert, describe, it } from "@effect/vitest"
import { type CniArgs, readCniArgs } from "../../src/cni/call/CniArgs.ts"
import { error, value } from "./outcome.ts"

const problem = (words: string) => ({ code: 4, msg: `invalid CNI_ARGS: ARGS: ${words}` })

describe("CNI_ARGS", () => {
  const multus =
    "IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=vm;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u1;MAC=02:03:04:05:06:07;IP=10.0.0.2"
  const good: ReadonlyArray<readonly [text: string, args: CniArgs]> = [
    ["", {}],
    ["MAC=02:03:04:05:06:07", { mac: "02:03:04:05:06:07" }],
    ["MAC=", {}],
    ["MAC=a;MAC=b", { mac: "b" }],
    ["MAC=a;MAC=", {}],
    ["IP=10.0.0.2/24;GATEWAY=10.0.0.1", {}],
    ["IgnoreUnknown=1;FOO=bar", {}],
    ["FOO=bar;IgnoreUnknown=true", {}],
    ["FOO=bar;IgnoreUnknown=TRUE;mac=x", {}],
    ["IgnoreUnknown=0;MAC=a", { mac: "a" }],
    ["IgnoreUnknown=1;=", {}],
    ["IgnoreUnknown=1;__proto__=x;constructor=y", {}],
    [
      multus,
      { podNamespace: "default", podName: "vm", infraContainerID: "c1", podUid: "u1", mac: "02:03:04:05:06:07" }
    ],
    ["K8S_POD_NAME=;K8S_POD_NAMESPACE=", {}],
    ["K8S_POD_NAMESPACE=a;K8S_POD_NAMESPACE=a", { podNamespace: "a" }]
  ]
  for (const [text, args] of good) {
    it(`${text}`, () => {
      assert.deepStrictEqual(value(readCniArgs(text)), args)
    })
  }

  const bad: ReadonlyArray<readonly [text: string, words: string]> = [
    ["A=b=c", 'invalid pair "A=b=c"'],
    ["K8S_POD_NAMESPACE=a;K8S_POD_NAMESPACE=b", '"K8S_POD_NAMESPACE" is given twice, with different values'],
    ["K8S_POD_UID=;K8S_POD_UID=b", '"K8S_POD_UID" is given twice, with different values'],
    ["MAC", 'invalid pair "MAC"'],
    ["MAC=a;", 'invalid pair ""'],
    [";", 'invalid pair ""'],
    ["IgnoreUnknown=1;MAC=a=b", 'invalid pair "MAC=a=b"'],
    ["FOO=bar", 'unknown args ["FOO=bar"]'],
    ["FOO=bar;BAZ=", 'unknown args ["FOO=bar" "BAZ="]'],
    ["mac=02:03:04:05:06:07", 'unknown args ["mac=02:03:04:05:06:07"]'],
    ["ignoreunknown=1", 'unknown args ["ignoreunknown=1"]'],
    ["IgnoreUnknown=0;FOO=bar", 'unknown args ["FOO=bar"]'],
    ["IgnoreUnknown=1;IgnoreUnknown=false;FOO=bar", 'unknown args ["FOO=bar"]'],
    ["IgnoreUnknown=yes", 'error parsing value of pair "IgnoreUnknown=yes": expected 1, true, 0 or false'],
    ["IgnoreUnknown=", 'error parsing value of pair "IgnoreUnknown=": expected 1, true, 0 or false'],
    ["FOO=bar;MAC", 'invalid pair "MAC"'],
    ["toString=x", 'unknown args ["toString=x"]']
  ]
  for (const [text, words] of bad) {
    it(`${text}: ${words}`, () => {
      assert.deepStrictEqual(error(readCniArgs(text)), problem(words))
    })
  }

  it("stays short whatever is wrong", () => {
    const found = error(readCniArgs("x".repeat(1000_000).replaceAll("xx", "k=v;").slice(0, -1)))
    assert.isBelow(found?.msg.length ?? 0, 1000)
  })
})
