/**
 * Makes src/device-plugin/api/v1beta1.ts from the .proto beside it: `node scripts/generate-api.ts`. ts-proto is a plugin
 * of protoc, which speaks protobuf over stdin and stdout; protobufjs takes protoc's part, so that no native compiler is
 * needed. A test compares what this makes with what is checked in.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import protobuf from "protobufjs"
import descriptors from "protobufjs/ext/descriptor/index.js"
import {
  CodeGeneratorRequest,
  CodeGeneratorResponse,
  type DescriptorProto,
  FileDescriptorSet
} from "ts-proto-descriptors"

const folder = new URL("../src/device-plugin/api/", import.meta.url)
const source = new URL("v1beta1.proto", folder)
const target = new URL("v1beta1.ts", folder)
const plugin = fileURLToPath(new URL("../node_modules/.bin/protoc-gen-ts_proto", import.meta.url))

const options = [
  "outputServices=grpc-js",
  "outputJsonMethods=false",
  "outputPartialMethods=false",
  "esModuleInterop=true",
  "env=node",
  "forceLong=number"
].join(",")

/** protobufjs leaves the names of types as they were written; plugins expect them with their package. */
const qualify = (message: DescriptorProto, scope: string): void => {
  const own = `${scope}.${message.name}`
  const nested = new Set(message.nestedType.map(({ name }) => name))
  for (const field of message.field) {
    if (field.typeName) field.typeName = `${nested.has(field.typeName) ? own : scope}.${field.typeName}`
  }
  for (const inner of message.nestedType) qualify(inner, own)
}

const last = (name: string): string => name.slice(name.lastIndexOf(".") + 1)

/** The text of v1beta1.ts. */
export const generateApi = (): string => {
  const { root } = protobuf.parse(readFileSync(source, "utf8"), { keepCase: true })
  root.resolveAll()
  const set = (root as protobuf.Root & { toDescriptor: (syntax: string) => protobuf.Message }).toDescriptor("proto3")
  const { file } = FileDescriptorSet.decode(descriptors.FileDescriptorSet.encode(set).finish())
  const [api] = file
  if (api === undefined || file.length !== 1) throw new Error("expected one package")
  const scope = `.${api.package}`
  for (const message of api.messageType) qualify(message, scope)
  for (const method of api.service.flatMap((service) => service.method)) {
    method.inputType = `${scope}.${last(method.inputType)}`
    method.outputType = `${scope}.${last(method.outputType)}`
  }
  const request = CodeGeneratorRequest.fromPartial({ fileToGenerate: [api.name], protoFile: file, parameter: options })
  const run = spawnSync(plugin, { input: CodeGeneratorRequest.encode(request).finish() })
  if (run.status !== 0) throw new Error(`ts-proto: ${run.stderr}`)
  const response = CodeGeneratorResponse.decode(run.stdout)
  const [made] = response.file
  if (response.error || made === undefined) throw new Error(`ts-proto: ${response.error}`)
  return made.content
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, generateApi())
