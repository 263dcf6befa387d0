--- A temporary authority and the server certificates that it signed, valid and invalid. The openssl
-- command makes them once per process. They are kept as PEM texts: each emulator writes its own
-- copies.

local process = require "topaz.emulator.process"

local certificates = {}

local made = {}

-- `openssl ca` alone can date a certificate into the past.
local SCRIPT = [[
set -e
dir=$(mktemp -d -t topaz-certificates-XXXXXX)
trap 'rm -rf -- "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
exec 2>errors
fail() { cat errors; exit 1; }
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" || fail; }
printf '%s\n' '[ca]' 'default_ca=own' '[own]' 'database=index' 'new_certs_dir=.' 'serial=serial' \
  'default_md=sha256' 'policy=any' 'rand_serial=yes' 'unique_subject=no' '[any]' 'commonName=supplied' \
  '[req]' 'distinguished_name=name' '[name]' '[root]' 'basicConstraints=critical,CA:true' \
  'keyUsage=critical,keyCertSign,cRLSign' 'subjectKeyIdentifier=hash' '[leaf]' 'basicConstraints=CA:false' \
  "subjectAltName=$NAMES" 'extendedKeyUsage=serverAuth' >conf
: >index
root() {
  key ca
  openssl req -x509 -new -config conf -key ca.key -subj "/CN=topaz emulator CA" -days 2 -extensions root \
    -out ca.pem || fail
}
key server
if [ "$KIND" = self_signed ]; then
  openssl req -x509 -new -config conf -key server.key -subj /CN=localhost -days 2 -extensions leaf \
    -out server.pem || fail
  root
else
  root
  openssl req -new -config conf -key server.key -subj /CN=localhost -out server.csr || fail
  openssl ca -batch -notext -config conf -cert ca.pem -keyfile ca.key -in server.csr -extensions leaf $DATES \
    -out server.pem || fail
fi
cat server.pem ca.pem server.key
]]

local NAMES = "DNS:localhost,DNS:*.example.test,IP:127.0.0.1,IP:127.0.0.2"
local KINDS = {
   good = { NAMES, "-days 2" },
   wrong_host = { "DNS:somewhere-else.example", "-days 2" },
   expired = { NAMES, "-startdate 20200101000000Z -enddate 20200201000000Z" },
   self_signed = { NAMES, "" },
}

--- Returns the PEM texts { server, ca, key } of a kind: "good", "wrong_host", "expired" or
-- "self_signed" (not signed by `ca`).
function certificates.get(kind)
   if not made[kind] then
      local names_and_dates = KINDS[kind]
      if not names_and_dates then
         error("emulator: unknown certificate: " .. tostring(kind) .. " (good, wrong_host, expired, self_signed)", 3)
      end
      local names, dates = table.unpack(names_and_dates)
      local text = process.shell(("KIND=%s NAMES=%s DATES=%s\n"):format(kind, names, process.quote(dates)) .. SCRIPT)
      local server, ca, key = text:match("^(%-%-%-.-END CERTIFICATE%-+)\n(.-END CERTIFICATE%-+)\n(.*)$")
      if not server then error("emulator: openssl failed to make a certificate: " .. text, 3) end
      made[kind] = { server = server .. "\n", ca = ca .. "\n", key = key .. "\n" }
   end
   return made[kind]
end

return certificates
