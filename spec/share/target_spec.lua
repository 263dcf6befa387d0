-- URLs of Redis: what they mean, and what is wrong with those that mean nothing.
local target = require "topaz.share.target"

local SECRET = "s3cr3t-word"

local function problem(url, argument)
   local ok, message = pcall(target, url, argument)
   assert.is_false(ok, tostring(url))
   return message
end

describe("the URL of a target", function()
   it("has a host, and defaults for the rest", function()
      local t = target "redis://example.org"
      assert.same({ "example.org", 6379, false, 0 }, { t.host, t.port, t.tls, t.db })
      assert.is_nil(t.user)
      assert.is_nil(t.password)
   end)

   it("has a port, a database, and TLS by its scheme", function()
      local t = target "rediss://example.org:6380/12"
      assert.same({ "example.org", 6380, true, 12 }, { t.host, t.port, t.tls, t.db })
      t = target "REDISS://127.0.0.1/"
      assert.same({ "127.0.0.1", 6379, true, 0 }, { t.host, t.port, t.tls, t.db })
   end)

   it("has IPv6 addresses in brackets", function()
      local t = target "redis://[::1]:7000/3"
      assert.same({ "::1", 7000, 3 }, { t.host, t.port, t.db })
      assert.equal(6379, target("redis://[fe80::1:2]").port)
      assert.equal("redis://[::1]:7000/3", tostring(t))
   end)

   it("has percent-encoded names and passwords", function()
      local t = target "redis://some%20one:p%40ss%3a%2F%25:x@h"
      assert.equal("some one", t.user)
      assert.equal("p@ss:/%:x", t.password)
      t = target "redis://:only@h"
      assert.is_nil(t.user)
      assert.equal("only", t.password)
      assert.equal("a@b", target("redis://:a@b@h").password)
   end)

   it("is shown without its password", function()
      assert.equal("redis://h:6379/0", tostring(target("redis://me:" .. SECRET .. "@h")))
   end)

   it("is refused with the argument's name, what is wrong and never the password", function()
      local with = ":" .. SECRET .. "@"
      for url, why in pairs {
         ["http://" .. with .. "h"] = "got http://",
         ["h:6379"] = "expected a URL",
         [SECRET] = "expected a URL",
         [""] = "expected a URL",
         ["redis:" .. with .. "h"] = "expected a URL",
         ["redis://"] = "the host is empty",
         ["redis://" .. with] = "the host is empty",
         ["redis://" .. with .. ":6379"] = "the host is empty",
         ["redis:///0"] = "the host is empty",
         ["redis://[]"] = "the host",
         ["redis://" .. with .. "h:0"] = "port from 1 to 65535",
         ["redis://" .. with .. "h:65536"] = "port from 1 to 65535",
         ["redis://h:" .. SECRET] = "port from 1 to 65535",
         ["redis://" .. with .. "h/zero"] = "number of a database",
         ["redis://" .. with .. "h/-1"] = "number of a database",
         ["redis://" .. with .. "h/1/2"] = "number of a database",
         ["redis://" .. with .. "h/0x1"] = "number of a database",
         ["redis://" .. with .. "h/1234567890"] = "number of a database",
         ["redis://" .. with .. "h?db=1"] = "has a '?'",
         ["redis://" .. with .. "h/0#x"] = "has a '#'",
         ["redis://" .. SECRET .. "@h"] = "without a password",
         ["redis://me:@h"] = "the password is empty",
         ["redis://:" .. SECRET .. "%zz@h"] = "%25",
         ["redis://" .. with .. "h\n"] = "is a line break",
         ["redis://" .. with .. "h\r\n"] = "is a line break",
         ["redis://:" .. SECRET .. " x@h"] = "is a space or not printable",
         ["redis://" .. with .. "h\0"] = "is a space or not printable",
         ["redis://" .. with .. "h\u{e9}"] = "is a space or not printable",
         ["redis://" .. with .. "h_!"] = "the host is not",
         ["redis://" .. with .. "[h]"] = "the host is not",
         ["redis://" .. with .. "[::1"] = "the host",
         ["redis://" .. with .. "::1"] = "the host is empty",
         ["redis://" .. with .. "1:2:3"] = "port",
         ["redis://:" .. SECRET .. "/x@h"] = "empty",
      } do
         local message = problem(url)
         assert.truthy(message:find("bad argument 'share'", 1, true), message)
         assert.truthy(message:find(why, 1, true), url .. ": " .. message)
         assert.is_nil(message:find(SECRET, 1, true), message)
      end
      assert.truthy(problem(42):find("got a number", 1, true))
      assert.truthy(problem(nil, "share.url"):find("bad argument 'share.url'", 1, true))
   end)

   it("survives any text", function()
      for round = 1, 20000 do
         math.randomseed(round)
         local parts = { "redis://" }
         for _ = 1, math.random(12) do
            local pieces = { ":", "@", "/", "[", "]", "%", "%41", "a", "1", "::", "?", "#", ".", "-", "\n", "h" }
            parts[#parts + 1] = pieces[math.random(#pieces)]
         end
         local ok, result = pcall(target, table.concat(parts))
         if ok then assert.is_true(result.host ~= "" and result.port > 0 and result.db >= 0)
         else assert.truthy(result:find("bad argument 'share'", 1, true), result) end
      end
   end)
end)
