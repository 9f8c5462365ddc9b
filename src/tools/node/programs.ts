/** The names of our programs in a folder of CNI plugins, beside the plugin's own. */

/** The static client, beside the executable where they were built; in a folder of plugins it has the plugin's name. */
export const clientName = "macvtap-client"

/** What a client becomes where no agent answers; it looks for exactly that name beside itself. */
export const standaloneName = "macvtap-standalone"
