"""Where a private key is, and how it signs. In reading order:

signer         what every key can do, and the development key
schemes        which signature scheme a key uses, and which keys are refused
keyring        keys by name, from keys.yaml
pkcs12         a PKCS#12 file
pkcs11         a token
csc            a remote service
store_key      the evidence store's key
private_files  files only their owner can read
"""
