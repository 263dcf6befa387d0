-- SHA-256 by the examples of FIPS 180-4 (NIST's files SHA256.pdf and SHA256ShortMsg) and HMAC by
-- those of RFC 4231; then by sha256sum over random texts.
local room = require "sha256_room"
local process = require "topaz.emulator.process"

local function bytes(hex) return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)) end

describe("SHA-256", function()
   it("gives the digests of FIPS 180-4", function()
      local known = {
         [""] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq =
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
         [bytes "d3"] = "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1",
      }
      for text, digest in pairs(known) do assert.equal(digest, room.digest(text)) end
      assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
         room.digest(("a"):rep(1000000)))
   end)

   it("does not depend on how a text is cut", function()
      local text = ("0123456789"):rep(20)
      for length = 0, #text do
         local part = text:sub(1, length)
         local whole = room.digest(part)
         for cut = 0, length, 7 do assert.equal(whole, room.digest(part:sub(1, cut), part:sub(cut + 1))) end
      end
   end)

   it("agrees with sha256sum over random texts", function()
      if process.shell "command -v sha256sum" == "" then return pending "no sha256sum" end
      local folder = process.shell "mktemp -d -t topaz-sha256-XXXXXX"
      local texts, seed = {}, os.time()
      math.randomseed(seed)
      for i = 1, 300 do
         local length = i <= 200 and i or math.random(200, 20000)
         local parts = {}
         for k = 1, length do parts[k] = string.char(math.random(0, 255)) end
         texts[i] = table.concat(parts)
         local file = assert(io.open(("%s/%03d"):format(folder, i), "wb"))
         file:write(texts[i])
         file:close()
      end
      local count = 0
      for digest, name in process.shell(("cd '%s' && sha256sum *"):format(folder)):gmatch "(%x+)%s+(%d+)" do
         assert.equal(digest, room.digest(texts[tonumber(name)]),
            ("text %s of seed %d"):format(name, seed))
         count = count + 1
      end
      process.shell(("rm -rf -- '%s'"):format(folder))
      assert.equal(300, count)
   end)
end)

describe("HMAC-SHA-256", function()
   it("gives the digests of RFC 4231", function()
      local long = bytes(("aa"):rep(131))
      for i, case in ipairs {
         { bytes(("0b"):rep(20)), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
         { "Jefe", "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
         { bytes(("aa"):rep(20)), bytes(("dd"):rep(50)),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
         { bytes "0102030405060708090a0b0c0d0e0f10111213141516171819", bytes(("cd"):rep(50)),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
         { long, "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
         { long, "This is a test using a larger than block-size key and a larger than block-size data. "
            .. "The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
      } do
         assert.equal(case[3], room.hmac(case[1], case[2]), "case " .. i)
      end
      -- test case 5, which RFC 4231 cuts to 128 bits
      assert.equal("a3b6167473100ee06e0c796c2955552b",
         room.hmac(bytes(("0c"):rep(20)), "Test With Truncation"):sub(1, 32))
   end)

   it("takes keys of every length about a block, and an empty one", function()
      if process.shell "command -v openssl" == "" then return pending "no openssl" end
      for _, length in ipairs { 1, 63, 64, 65, 128 } do
         local key = ("k"):rep(length)
         local said = process.shell("printf 'some text' | openssl dgst -sha256 -mac HMAC -macopt hexkey:"
            .. key:gsub(".", "6b"))
         assert.equal(said:match "(%x+)$", room.hmac(key, "some text"))
      end
      assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
         room.hmac("", ""))
   end)
end)

describe("the fingerprint of a client", function()
   local core = require "topaz.core"

   it("is made of its key and a text, and shows neither", function()
      local key = "a key that is a secret"
      local client <close> = core.client { api_key = key, base_url = "https://127.0.0.1:1" }
      assert.equal(room.hmac(key, "https://127.0.0.1:1 name"):sub(1, 16),
         core.fingerprint(client, "https://127.0.0.1:1 name"))
      local other <close> = core.client { api_key = key .. "2", base_url = "https://127.0.0.1:1" }
      assert.are_not.equal(core.fingerprint(client, "x"), core.fingerprint(other, "x"))
      client:close()
      assert.has_error(function() core.fingerprint(client, "x") end)
   end)
end)
