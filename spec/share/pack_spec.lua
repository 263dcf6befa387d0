-- What travels between members: ids, progress, ended statuses; and the digests of scripts.
local core = require "topaz.core"
local pack = require "topaz.share.pack"
local sha1 = require "topaz.share.sha1"

local ID = "0123abcd-4567-89ab-cdef-0123456789ab"

describe("topaz.share.pack", function()
   it("packs ids into 16 bytes and back", function()
      assert.equal(16, #pack.id(ID))
      assert.same({ ID, ID }, pack.unpack_ids(pack.id(ID) .. pack.id(ID)))
      assert.is_nil(pack.unpack_ids(pack.id(ID) .. "x"))
   end)

   it("digests of sets tell ids apart that count upward", function()
      local function id(n) return ("00000000-0000-4000-8000-%012x"):format(n) end
      assert.not_equal(pack.digest(id(1)) ~ pack.digest(id(6)), pack.digest(id(2)) ~ pack.digest(id(5)))
      local seen = {}
      for n = 1, 5000 do
         local digest = pack.digest(id(n))
         assert.is_nil(seen[digest])
         seen[digest] = true
      end
   end)

   it("packs progress into 22 bytes and back", function()
      local text = pack.progress(ID, { status = "Processing", progress = 41.9, eta = 1760000000 })
      assert.equal(22, #text)
      assert.same({ { process_id = ID, status = "Processing", progress = 41, eta = 1760000000 } },
         pack.unpack_progress(text))
      assert.same({ { process_id = ID, status = "Pending" } },
         pack.unpack_progress(pack.progress(ID, { status = "Pending", progress = "odd", eta = -1 })))
      assert.is_nil(pack.progress(ID, { status = "Paused" }))
      assert.is_nil(pack.unpack_progress(text .. "x"))
      assert.is_nil(pack.unpack_progress(("\255"):rep(22)))
   end)

   it("an ended status comes back as it was decoded, whatever it has", function()
      local text = [[{"process_id":"]] .. ID .. [[","status":"Completed","progress":100,"big":9223372036854775807,
         "float":42.0,"small":1e-300,"huge":1e999,"text":"\u0000\n\"\\é\ud83d\ude00","list":[1,null,[],{}],
         "object":{"a":true,"b":[false]},"third":0.1}]]
      local status = core.decode(text)
      local again = pack.unpack_status(pack.status(status))
      assert.same(status, again)
      assert.equal("float", math.type(again.float))
      assert.equal("integer", math.type(again.big))
      for _, wrong in ipairs { "", "[]", "{}", '{"process_id":"x","status":"Completed"}', "\255" } do
         assert.is_nil(pack.unpack_status(wrong))
      end
   end)

   it("joins texts, and finds lengths that are wrong", function()
      assert.same({ "a", "", "bc" }, pack.split(pack.join { "a", "", "bc" }))
      assert.is_nil(pack.split "\0\0\0\9abc")
      assert.is_nil(pack.split "\0\0")
   end)
end)

describe("topaz.share.sha1", function()
   it("has the digests of FIPS 180-4's examples", function()
      assert.equal("a9993e364706816aba3e25717850c26c9cd0d89d", sha1 "abc")
      assert.equal("da39a3ee5e6b4b0d3255bfef95601890afd80709", sha1 "")
      assert.equal("84983e441c3bd26ebaae4aa1f95129e5e54670f1",
         sha1 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
   end)

   it("names the scripts as Redis does", function()
      local redis = require "spec.support.redis"
      local server <close>, why = redis.start()
      if not server then return pending(why) end
      local scripts = require "topaz.share.scripts"
      for _, name in ipairs { "beat", "publish", "take", "cut" } do
         assert.equal(server:call("SCRIPT", "LOAD", scripts[name].source), scripts[name].sha)
      end
   end)
end)
