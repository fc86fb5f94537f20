/** True if the item with this key is a manifest, under whose digest the image can be found (storage `images.go`). */
export function isManifestKey(key: string): boolean {
  return key.startsWith("manifest");
}
