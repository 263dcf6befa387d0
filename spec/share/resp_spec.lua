-- RESP2: every kind of reply, cut at every byte, its limits on both sides; and millions of random
-- bytes, valid and broken, on which a second reader has to agree.
local resp = require "topaz.share.resp"
local second = require "spec.share.second_reader"

-- Reads pieces: the replies with `n`, and why it ended; nil: it may go on.
local function read(pieces, limits)
   local reader, replies = resp.reader(limits), { n = 0 }
   for _, piece in ipairs(pieces) do
      reader:feed(piece)
      local more, reply = reader:next()
      while more do
         replies.n = replies.n + 1
         replies[replies.n] = reply
         more, reply = reader:next()
      end
      if more == nil then return replies, reply end
   end
   return replies, nil
end

local function one(text, limits)
   local replies, why = read({ text }, limits)
   if why then return nil, why end
   assert.equal(1, replies.n)
   return replies[1]
end

local function same(a, b)
   if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
   for key, value in pairs(a) do
      if not same(value, b[key]) then return false end
   end
   for key in pairs(b) do
      if a[key] == nil then return false end
   end
   return true
end

describe("a reply", function()
   it("of each kind is read", function()
      assert.equal("OK", one "+OK\r\n")
      assert.equal("", one "+\r\n")
      assert.same({ error = "ERR unknown command" }, one "-ERR unknown command\r\n")
      assert.equal(1000, one ":1000\r\n")
      assert.equal(-1, one ":-1\r\n")
      assert.equal(7, one ":+7\r\n")
      assert.equal(math.maxinteger, one ":9223372036854775807\r\n")
      assert.equal(math.mininteger, one ":-9223372036854775808\r\n")
      assert.equal("hello", one "$5\r\nhello\r\n")
      assert.equal("", one "$0\r\n\r\n")
      assert.equal("a\r\nb\0c", one "$6\r\na\r\nb\0c\r\n")
      assert.is_nil((one "$-1\r\n"))
      assert.is_nil((one "*-1\r\n"))
      assert.same({}, one "*0\r\n")
      assert.same({ "a", 1, false, { error = "E" }, {}, false, { { "b" } } },
         one "*7\r\n$1\r\na\r\n:1\r\n$-1\r\n-E\r\n*0\r\n*-1\r\n*1\r\n*1\r\n+b\r\n")
   end)

   it("that is not valid ends the reader, with a message", function()
      for text, why in pairs {
         ["hello\r\n"] = "byte 104", ["\r\n"] = "byte 13", [",1.5\r\n"] = "byte 44", ["%1\r\n"] = "byte 37",
         [":\r\n"] = "integer", [":1.5\r\n"] = "integer", [":0x10\r\n"] = "integer", [": 1\r\n"] = "integer",
         [":9223372036854775808\r\n"] = "integer",
         ["$x\r\n"] = "length of a string", ["$-2\r\n"] = "length of a string",
         ["$\r\n"] = "length of a string", ["$99999999999\r\n"] = "length of a string", ["*x\r\n"] = "length of a list",
         ["*-2\r\n"] = "length of a list", ["$3\r\nabcd\r\n"] = "string does not end", ["+a\rb"] = "line does not end",
         ["$3\r\nab\r\nxx"] = "string does not end",
      } do
         local replies, problem = read { text }
         assert.equal(0, replies.n)
         assert.truthy(problem and problem:find(why, 1, true), text .. ": " .. tostring(problem))
      end
   end)

   it("after one that is not valid is not read", function()
      local reader = resp.reader()
      reader:feed "+a\r\nxx\r\n+b\r\n"
      assert.same({ true, "a" }, { reader:next() })
      local _, why = reader:next()
      reader:feed "+c\r\n"
      assert.same({ nil, why }, { reader:next() })
   end)

   it("has limits, which hold exactly", function()
      local limits = { line = 8, bulk = 10, bytes = 15, elements = 4, depth = 2 }
      local function check(good, bad)
         assert.is_nil(select(2, read({ good }, limits)), good)
         assert.equal("string", type(select(2, read({ bad }, limits))), bad)
      end
      check("+1234567\r\n", "+12345678\r\n")
      check("+1234567", "+12345678")
      check("$10\r\n1234567890\r\n", "$11\r\n")
      check("*2\r\n$9\r\n123456789\r\n$6\r\n123456\r\n", "*2\r\n$9\r\n123456789\r\n$7\r\n")
      check("*4\r\n", "*5\r\n")
      check("*2\r\n*2\r\n", "*2\r\n*3\r\n")
      check("*1\r\n*1\r\n*0\r\n", "*1\r\n*1\r\n*1\r\n")
      check(("*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n"):rep(50), "*5\r\n") -- counted anew for each reply
   end)

   it("may not cost more memory than was sent", function()
      local reader = resp.reader()
      collectgarbage()
      local before = collectgarbage "count"
      reader:feed(("*131072\r\n"):rep(1))
      assert.is_false((reader:next()))
      reader:feed "$4194304\r\n"
      assert.is_false((reader:next()))
      assert.is_true(collectgarbage "count" - before < 64)
   end)
end)

describe("a command", function()
   it("is a list of strings", function()
      assert.equal("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n", resp.encode { "SET", "k", "\r\n" })
      assert.equal("*3\r\n$1\r\nA\r\n$2\r\n-5\r\n$3\r\n0.5\r\n", resp.encode { "A", -5, 0.5 })
      assert.same({ "A", "-5", "0.5" }, one(resp.encode { "A", -5, 0.5 }))
   end)

   it("has a name and no other values", function()
      assert.has_error(function() resp.encode {} end, "a command without a name")
      assert.has_error(function() resp.encode { "A", true } end, "part 2 of a command is a boolean")
   end)
end)

-- ---- random texts -------------------------------------------------------------------------------

local ALPHABET = { "\r", "\n", "+", "-", ":", "$", "*", "0", "1", "2", "9", "a", "\0", "\255" }

local function random_text(most)
   local parts = {}
   for i = 1, math.random(0, most) do
      parts[i] = math.random(4) == 1 and ALPHABET[math.random(#ALPHABET)] or string.char(math.random(0, 255))
   end
   return table.concat(parts)
end

local function random_line(most) return (random_text(most):gsub("\r", "r")) end

-- Appends a random value, encoded.
local function add_value(parts, depth)
   local kind = math.random(depth > 4 and 5 or 7)
   local text
   if kind == 1 then text = "+" .. random_line(20) .. "\r\n"
   elseif kind == 2 then text = "-" .. random_line(20) .. "\r\n"
   elseif kind == 3 then text = (":%d\r\n"):format(math.random(0) >> math.random(0, 63))
   elseif kind == 4 then text = math.random(2) == 1 and "$-1\r\n" or "*-1\r\n"
   elseif kind == 5 then
      local string = random_text(math.random(8) == 1 and 3000 or 40)
      text = ("$%d\r\n%s\r\n"):format(#string, string)
   else
      local length = math.random(0, math.random(6) == 1 and 30 or 4)
      parts[#parts + 1] = ("*%d\r\n"):format(length)
      for _ = 1, length do add_value(parts, depth + 1) end
      return
   end
   parts[#parts + 1] = text
end

-- Changes a text in a few places.
local function damaged(text)
   for _ = 1, math.random(3) do
      local at, what = math.random(#text + 1), math.random(4)
      local piece = what == 1 and "" or what == 2 and random_text(3) or ALPHABET[math.random(#ALPHABET)]
      text = text:sub(1, at - 1) .. piece .. text:sub(at + (what == 4 and math.random(20) or 1))
   end
   return text
end

local function cut(text)
   local pieces, at, most = {}, 1, math.random(3) == 1 and 1 or math.random(200)
   while at <= #text do
      local size = math.random(most)
      pieces[#pieces + 1] = text:sub(at, at + size - 1)
      at = at + size
   end
   return pieces
end

-- Both readers on a text: whole, and in pieces.
local function compare(text, limits, seed)
   local replies, may_go_on = second.read(text, limits)
   for _, pieces in ipairs { { text }, cut(text) } do
      local found, why = read(pieces, limits)
      if not (found.n == replies.n and same(found, replies) and (why == nil) == may_go_on) then
         error(("seed %d: %d and %d replies, %s and %s, of %q"):format(seed, found.n, replies.n, tostring(why),
            tostring(may_go_on), text:sub(1, 2000)), 0)
      end
   end
end

describe("random bytes", function()
   local SMALL = { line = 64, bulk = 4000, bytes = 8000, elements = 60, depth = 5 }

   it("are read as the second reader does, whole and in pieces", function()
      local seed = tonumber(os.getenv "SEED") or os.time()
      local total, wanted = 0, tonumber(os.getenv "RESP_BYTES") or 2000000
      local round = 0
      while total < wanted do
         round = round + 1
         math.randomseed(seed + round)
         local parts = {}
         for _ = 1, math.random(4) do add_value(parts, 0) end
         local text = table.concat(parts)
         compare(text, math.random(2) == 1 and SMALL or resp.LIMITS, seed + round)
         local broken = damaged(text)
         compare(broken, math.random(2) == 1 and SMALL or resp.LIMITS, seed + round)
         total = total + #text + #broken
      end
      assert.is_true(round > 100)
   end)

   it("of no form at all are never an error of Lua", function()
      local seed = os.time()
      for round = 1, 2000 do
         math.randomseed(seed + round)
         compare(random_text(200), SMALL, seed + round)
      end
   end)

   it("are the same wherever they are cut in two", function()
      local text = "*5\r\n$4\r\na\r\nb\r\n:-12\r\n$-1\r\n-ERR no\r\n*2\r\n+x\r\n*0\r\n+PONG\r\n$0\r\n\r\n"
      local whole = read { text }
      assert.equal(3, whole.n)
      for at = 1, #text - 1 do
         local found, why = read { text:sub(1, at), text:sub(at + 1) }
         assert.is_nil(why)
         assert.is_true(same(whole, found), at)
      end
      local bytes = {}
      for at = 1, #text do bytes[at] = text:sub(at, at) end
      assert.is_true(same(whole, (read(bytes))))
   end)
end)
