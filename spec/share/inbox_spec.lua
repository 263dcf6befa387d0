-- The order of a stream's entries, which come as messages and by reading.
local inboxes = require "topaz.share.inbox"
local scripts = require "topaz.share.scripts"

-- A member with one stream, "s"; what it has heard, and what was read.
local function member_of(last)
   local member = { last = last or "0-0", heard = {}, reads = {}, now = 0, full = nil }
   member.host = { now = function() return member.now end }
   function member.last_of(_, key) return key == "s" and member.last or nil end
   function member.streams() return { { "s", member.last } } end
   function member.entry(_, key, id, fields)
      assert(key == "s")
      member.last = id
      table.insert(member.heard, fields.n)
   end
   member.link = { command = function(_, command, done)
      table.insert(member.reads, { from = command[#command], command = command, done = done })
      return true
   end }
   return member, inboxes.new(member)
end

local function message(number, before, key)
   local id_before = ("%d-0"):format(before or number - 1)
   return key or "s", ("%d-0 %s 2 %d n %d"):format(number, id_before, #tostring(number), number)
end

-- What XREAD gives for entries from..to.
local function reply_of(from, to)
   local entries = {}
   for i = from, to do entries[#entries + 1] = { ("%d-0"):format(i), { "n", tostring(i) } } end
   return #entries > 0 and { { "s", entries } } or nil
end

describe("a message", function()
   it("has the ids, and the names and values; the last one may have any bytes", function()
      local function read(text)
         local id, before, list = scripts.message(text)
         return { id, before, list }
      end
      assert.same({ "7-1", "0-0", { "a", "1", "p", "", "d", " \0\r\n x" } }, read "7-1 0-0 6 6 a 1 p  d  \0\r\n x")
      assert.same({ "7-1", "0-0", { "a", "" } }, read "7-1 0-0 2 0 a ")
      assert.same({ "7-1", "0-0", { "" } }, read "7-1 0-0 0 0 ")
      assert.same({}, read "7-1 0-0 2 0 a")
      assert.same({}, read "7-1 0-0 2 1 a ")
      assert.same({}, read "")
   end)
end)

describe("the inbox of a member", function()
   it("hears a message at once where it has the one before, and reads nothing", function()
      local member, inbox = member_of()
      for i = 1, 3 do inbox:message(message(i)) end
      assert.same({ "1", "2", "3" }, member.heard)
      assert.is_nil(inbox:turn(0))
      assert.equal(0, #member.reads)
   end)

   it("drops what it has heard already", function()
      local member, inbox = member_of()
      for _, i in ipairs { 1, 1, 2, 1, 2, 2, 3 } do inbox:message(message(i)) end
      assert.same({ "1", "2", "3" }, member.heard)
      inbox:turn(0)
      assert.equal(0, #member.reads)
   end)

   it("reads once where one is missing, and hears all in order", function()
      local member, inbox = member_of()
      inbox:message(message(1))
      for i = 3, 5 do inbox:message(message(i)) end
      assert.same({ "1" }, member.heard)
      inbox:turn(0)
      inbox:turn(0)
      assert.equal(1, #member.reads)
      assert.equal("1-0", member.reads[1].from)
      assert.is_nil(table.concat(member.reads[1].command, " "):find "BLOCK")
      inbox:message(message(6)) -- comes while it reads
      member.reads[1].done(reply_of(2, 5))
      inbox:message(message(7))
      inbox:turn(0)
      assert.same({ "1", "2", "3", "4", "5", "6", "7" }, member.heard)
      assert.equal(1, #member.reads)
   end)

   it("reads again where one is missing behind what was read", function()
      local member, inbox = member_of()
      inbox:message(message(2))
      inbox:turn(0)
      inbox:message(message(5))
      member.reads[1].done(reply_of(1, 2))
      inbox:turn(0)
      assert.equal("2-0", member.reads[2].from)
      member.reads[2].done(reply_of(3, 5))
      inbox:turn(0)
      assert.equal(2, #member.reads)
      assert.same({ "1", "2", "3", "4", "5" }, member.heard)
   end)

   it("reads on while a reply is full", function()
      local member, inbox = member_of()
      inbox:message(message(100))
      inbox:turn(0)
      member.reads[1].done(reply_of(1, 64))
      inbox:turn(0)
      member.reads[2].done(reply_of(65, 100))
      inbox:turn(0)
      assert.equal(2, #member.reads)
      assert.equal(100, #member.heard)
   end)

   it("does not hear again by reading what came as a message meanwhile", function()
      local member, inbox = member_of()
      inbox.behind = true
      inbox:turn(0)
      inbox:message(message(1))
      inbox:message(message(2))
      member.reads[1].done(reply_of(1, 2))
      assert.same({ "1", "2" }, member.heard)
   end)

   it("forgets a message whose entry the stream does not have", function()
      local member, inbox = member_of()
      inbox:message(message(7))
      inbox:turn(0)
      member.reads[1].done(nil)
      inbox:turn(0)
      assert.equal(1, #member.reads)
      inbox:message(message(1))
      assert.same({ "1" }, member.heard)
      assert.equal(0, #inbox.held)
   end)

   it("holds so many messages at most, and loses none by that", function()
      local member, inbox = member_of()
      for i = 2, 1000 do inbox:message(message(i)) end
      assert.is_true(#inbox.held <= 64)
      local at = 1
      for _ = 1, 100 do
         inbox:turn(0)
         local read = member.reads[at]
         if not read then break end
         at = at + 1
         local from = tonumber(read.from:match "^%d+") + 1
         read.done(reply_of(from, math.min(from + 63, 1000)))
      end
      assert.equal(1000, #member.heard)
      for i = 1, 1000 do assert.equal(tostring(i), member.heard[i]) end
   end)

   it("tries again later where reading has failed", function()
      local member, inbox = member_of()
      inbox:message(message(2))
      inbox:turn(0)
      member.reads[1].done { error = "LOADING" }
      local at = inbox:turn(0)
      assert.equal(1, #member.reads)
      inbox:turn(at)
      member.reads[2].done(nil, { message = "lost" })
      inbox:turn(at + 10)
      member.reads[3].done(reply_of(1, 2))
      assert.same({ "1", "2" }, member.heard)
   end)

   it("is not moved by garbage, forged or cut messages", function()
      local member, inbox = member_of "5-0"
      local _, whole = message(6)
      for i = 0, #whole - 1 do inbox:message("s", whole:sub(1, i)) end
      local random = math.random
      for _ = 1, 2000 do
         local bytes = {}
         for i = 1, random(0, 60) do bytes[i] = string.char(random(0, 255)) end
         inbox:message("s", table.concat(bytes))
      end
      for _, ids in ipairs { { "", "" }, { "6", "5-0" }, { "6-0", "5" }, { "6-", "5-0" }, { "-6-0", "5-0" },
         { "6-0 ", "5-0" }, { ("9"):rep(100) .. "-0", "5-0" }, { "nan-0", "5-0" } } do
         inbox:message("s", ("%s %s 2 1 n x"):format(ids[1], ids[2]))
      end
      inbox:message("other", whole)
      assert.same({}, member.heard)
      for _, rest in ipairs { "", "2 1 n xx", "2 2 n x", "3 1 n x", "99 1 n x", "-1 1 n x", "2 1e0 n x", "2 1  n x" } do
         inbox:message("s", "6-0 5-0 " .. rest)
      end
      assert.same({}, member.heard)
      inbox:message("s", "6-0 5-0 1 1 n") -- a name without a value
      assert.equal("6-0", member.last)
   end)
end)
