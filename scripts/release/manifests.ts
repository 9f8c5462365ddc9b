/** Manifests name an image that is built on the spot; a release's name the one that was published. */

/** The text with `image` in the place of every `localhost/macvtap-cni:<version>`. Lines end as they did. */
export const withImage = (text: string, image: string): string =>
  text.replace(/^(\s*(?:- )?image: )localhost\/macvtap-cni:\S+$/gm, `$1${image}`)
