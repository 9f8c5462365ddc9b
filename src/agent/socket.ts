/** Where the agent listens, as src/client/client.c knows it. */
export const agentSocket = "/run/macvtap-cni/agent.sock"
