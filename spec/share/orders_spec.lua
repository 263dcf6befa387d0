-- Orders of events that a farm has to survive: each test is one that once lost an end, asked more
-- than promised, or told what is not true.
local core = require "topaz.core"
local follow = require "topaz.share.follow"
local lead = require "topaz.share.lead"
local pack = require "topaz.share.pack"
local poll = require "topaz.share.poll"
local resp = require "topaz.share.resp"
local union = require "topaz.share.union"
local world = require "spec.share.world"

local function id_of(i) return ("%08x-0000-4000-8000-%012x"):format(i, i) end

local clock = {
   now = function() return 0 end, server_time = function() return 0 end, random = function() return 0.5 end,
}

-- A leader whose link keeps what it is given, and one follower that holds jobs.
local function leader_of(ids)
   local sent = {}
   local member = {
      name = "me", keys = { lease = "lease" }, out_of = function(name) return "out:" .. name end,
      union = union.new(clock), follow = {}, host = clock,
      link = { commands = true, run = function(_, name, keys, arguments, done)
         sent[#sent + 1] = { name = name, keys = keys, arguments = arguments }
         done(1)
         return true
      end },
      renewed = function() end, refused = function() end, hint = function() end,
   }
   local leading = lead.new(member, 7)
   local packed = {}
   for i, id in ipairs(ids) do packed[i] = pack.id(id) end
   leading:told { m = "other", s = "1", e = "7", h = "0", k = "F", l = "1", w = "0", d = table.concat(packed) }
   return leading, sent
end

describe("a page that has a job twice", function()
   local id = id_of(1)
   for _, case in ipairs { { "Processing", "Completed" }, { "Completed", "Processing" },
      { "Processing", "Completed", "Completed" } } do
      for _, size in ipairs { 1, #case } do
         local name = ("as %s, taken %d at a time, ends it once"):format(table.concat(case, ", "), size)
         it(name, function()
            local all, told = union.new(clock), {}
            local holder = {
               seen = function() end,
               ended = function(_, _, status) told[#told + 1] = status.status end,
            }
            for i = 1, 10 do all:hold(id_of(i), holder) end
            assert.equal("page", (all.plan:next()))
            local data = {}
            for i, word in ipairs(case) do data[i] = { process_id = id, status = word } end
            all:begin_page()
            for first = 1, #data, size do all:part(data, first, math.min(first + size - 1, #data)) end
            all:end_page(nil)
            assert.same({ "Completed" }, told)
            assert.equal(9, all.plan.outstanding)
            assert.is_false(all:holds(id, holder))
         end)
      end
   end
end)

describe("a page that has come", function()
   local now, told, all, asking, page_done, asked

   local function page_of(count, more)
      local data = {}
      for i = 1, count do data[i] = { process_id = id_of(i), status = "Processing" } end
      return { data = data, pagination = { has_next_page = more, next_cursor = more and "c" } }
   end

   before_each(function()
      now, told, asked = 0, 0, {}
      local host = {
         now = function() return now end, server_time = function() return now end, random = function() return 0 end,
         fatal = function(err) error(err) end,
         get = function(id) asked[#asked + 1] = id end,
         page = function(cursor, done)
            asked[#asked + 1], page_done = cursor or "first", done
            return { cancel = function() end }
         end,
      }
      all = union.new(host)
      asking = poll.new(host, all, { hold = -math.huge, spend = function() return true end })
      local holder = { seen = function() told = told + 1 end }
      for i = 1, 150 do all:hold(id_of(i), holder) end
      asking:turn()
   end)

   it("is taken in parts, a step each, and then the next is asked for", function()
      page_done(page_of(90, true))
      for _, count in ipairs { 0, 25, 50, 75, 90 } do
         assert.equal(now, asking:turn())
         assert.equal(count, told)
         assert.same({ "first" }, asked)
      end
      asking:turn()
      assert.same({ "first", "c" }, asked)
   end)

   it("is taken whole where steps are rare: they would make a round of many pages long", function()
      local steps, parts = {}, 0
      for i = 1, 12 do
         told = 0
         page_done { data = page_of(90).data, pagination = { has_next_page = true, next_cursor = "c" .. i } }
         steps[i] = 0
         repeat
            steps[i], now = steps[i] + 1, now + 0.5
            asking:turn()
         until #asked > i
         assert.equal(90, told)
         parts = parts + steps[i]
      end
      assert.equal(2, steps[1])
      assert.is_true(parts <= 14, parts)
   end)

   it("is taken in parts again where they are not rare any more", function()
      page_done(page_of(90, true))
      for _ = 1, 2 do
         asking:turn()
         now = now + 1
      end
      local pages, most = 0
      repeat
         pages, most = pages + 1, 0
         page_done { data = page_of(90).data, pagination = { has_next_page = true, next_cursor = "d" .. pages } }
         repeat
            local before = told
            asking:turn()
            most = math.max(most, told - before)
         until #asked > pages + 1
      until most <= 25 or pages == 20
      assert.equal(25, most)
   end)

   it("is forgotten with the requests", function()
      page_done(page_of(90, true))
      asking:turn()
      asking:turn()
      asking:forget()
      now = now + 100
      asking:turn()
      assert.equal(25, told)
      assert.same({ "first", "first" }, asked)
   end)

   it("may have the last jobs that are wanted in its middle", function()
      all.holders[id_of(10)].seen = function(holder)
         for i = 1, 150 do all:release(id_of(i), holder) end
         asking:forget()
      end
      page_done(page_of(90, true))
      asking:turn()
      asking:turn()
      assert.is_nil(asking:turn())
      assert.same({ "first" }, asked)
   end)

   it("is taken at once where the member goes alone", function()
      page_done(page_of(90, false))
      asking:turn()
      asking:turn()
      asking:take_page()
      assert.equal(90, told)
      assert.same({ "first" }, asked)
   end)
end)

describe("an entry that overtakes the reply of a beat", function()
   it("does not count as a stream that has begun anew", function()
      local farm = world.new { members = 2, jobs = 20, seed = 1, redis_delay = 0.1 }
      farm:run(15)
      for _, process in ipairs(farm.processes) do
         local member = process.member
         member.beat_at = farm.time
         member:turn()
         local key = member.role == "lead" and member.keys["in"] or member.keys.out
         farm:after(0.15, function()
            member:entry(key, "1800000000000-0", { k = "?", e = "1", s = "1", d = "" })
            member:entry(member.keys.all, "1800000000000-0", {})
         end)
      end
      farm:run(15.25)
      for _, process in ipairs(farm.processes) do
         local member = process.member
         assert.is_nil(member.beating)
         local last = member.role == "lead" and member.last.into or member.last.out
         assert.equal("1800000000000-0", last)
         assert.equal("1800000000000-0", member.last.all)
      end
   end)
end)

describe("jobs that the leader cannot ask for", function()
   it("are asked for by their member in the farm's rate, again while that fails", function()
      local farm = world.new {
         members = 2, jobs = 60, seed = 1, newer = 1000000, max_rate = 10, deal = function() return 2 end,
      }
      for _, job in ipairs(farm.jobs) do job.poison = true end
      farm.poisoned = function(process) return process.number == 1 end
      farm:at(4, function() farm.processes[2].unreachable = true end)
      farm:at(40, function() farm.processes[2].unreachable = false end)
      farm:run()
      assert.equal(1, farm:leader().number)
      assert.equal(0, farm:missing())
      assert.same({}, farm.processes[2].refusals)
      assert.is_true(farm:peak(1) <= 13, farm:peak(1))
   end)
end)

describe("what a leader publishes", function()
   local function end_all(leading, ids, options)
      for _, id in ipairs(ids) do
         leading.member.union:heard { process_id = id, status = "Completed", options_json = options }
      end
      local now = 0
      repeat
         now = now + 1
         leading:turn(now)
      until not leading.batch and #leading.loud == 0
   end

   it("is cut into commands that Redis and the others take", function()
      local ids = {}
      for i = 1, 20000 do ids[i] = id_of(i) end
      local leading, sent = leader_of(ids)
      end_all(leading, ids, ("x"):rep(1000))
      local ends, number = 0, 0
      for _, command in ipairs(sent) do
         local bytes = 0
         for _, argument in ipairs(command.arguments) do bytes = bytes + #argument end
         assert.is_true(bytes <= 2 * 1024 * 1024, bytes)
         for at = 3, #command.arguments, 3 do
            number = number + 1
            assert.equal(("%d"):format(number), command.arguments[at])
            ends = ends + #pack.split(command.arguments[at + 2])
         end
      end
      assert.equal(20000, ends)
   end)

   it("has no status that a follower's reader refuses: it asks for that one itself", function()
      local ids = { id_of(1), id_of(2) }
      local leading, sent = leader_of(ids)
      end_all(leading, { ids[1] }, ("x"):rep(resp.LIMITS.bulk))
      assert.equal("S", sent[1].arguments[4])
      assert.equal(pack.id(ids[1]), sent[1].arguments[5])
      assert.equal(1, leading.others.other.count)
   end)
end)

describe("a member with very many ids", function()
   it("announces them without filling its connection", function()
      local told, most = {}, 0
      local member = {
         name = "me", role = "follow", host = clock, wants = false, link = { commands = true }, keys = {},
         tell_pause = function() return 0 end, brake = {},
      }
      local unanswered = {}
      function member.run(_, name, arguments, done)
         assert.equal("tell", name)
         local fields = {}
         for i = 1, #arguments, 2 do fields[arguments[i]] = arguments[i + 1] end
         told[#told + 1] = fields
         unanswered[#unanswered + 1] = done
         most = math.max(most, #unanswered)
         return true
      end
      local follower = follow.new(member)
      for i = 1, 200000 do follower:add(id_of(i)) end
      follower:announce(7)
      follower:turn(0)
      while #unanswered > 0 do table.remove(unanswered, 1) "1-1" end
      local ids = 0
      for i, fields in ipairs(told) do
         assert.equal(("%d"):format(i), fields.s)
         assert.equal(i == 1 and "F" or "f", fields.k)
         assert.equal(i == #told and "1" or "0", fields.l)
         ids = ids + #fields.d // pack.ID_SIZE
      end
      assert.equal(200000, ids)
      assert.is_true(most * 65536 <= 4 * 1024 * 1024, most)
   end)
end)

describe("a farm that nobody leads", function()
   it("forgets members that were killed: the others ask no more slowly for them", function()
      local farm = world.new { members = 30, jobs = 40, seed = 1, never_leads = function() return true end,
         deal = function() return 30 end, starts = function(i) return i < 30 and i / 30 or 0 end }
      farm:at(3, function()
         for i = 1, 29 do farm.processes[i]:kill() end
      end)
      farm:at(60, function() farm.members = farm.processes[30].member.members end)
      farm:run()
      assert.equal(0, farm:missing())
      assert.equal(1, farm.members)
   end)
end)

describe("a hint of a follower", function()
   it("is told although all ids are announced just then", function()
      local farm = world.new { members = 2, jobs = 20, seed = 1 }
      farm:run(15)
      local follower, hinted = farm:of_role("follow")[1], 0
      local leading = farm:leader().member
      local hint = leading.hint
      function leading.hint(...)
         hinted = hinted + 1
         return hint(...)
      end
      follower.member.follow:hint(next(follower.watched_at))
      follower.member.follow:announce(follower.member.epoch)
      farm:run(20)
      assert.equal(1, hinted)
   end)
end)

describe("a member that leaves and comes back while a beat is under way", function()
   it("does not take itself for another leader", function()
      local farm = world.new { members = 1, jobs = 5, seed = 1, redis_delay = 0.1 }
      farm:run(10)
      local process = farm.processes[1]
      local member = process.member
      assert.equal("lead", member.role)
      farm:at(10, function()
         member.beat_at = 10
         member:turn()
         process.place:leave()
         process.place = member:join { seen = core.now, ended = core.now, lost = core.now, refused = core.now }
         process.place:enter()
         member:turn()
         process.events = {}
      end)
      farm:run(13)
      assert.equal("lead", member.role)
      assert.equal(1, #process.events)
   end)
end)

describe("a Redis that takes seconds to answer", function()
   it("has one leader nearly all the time: it renews its lease before its word is too old", function()
      for _, seconds in ipairs { 2, 2.5, 3 } do
         local farm = world.new { members = 6, jobs = 100, seed = 1, redis_delay = seconds / 2 }
         farm:run()
         assert.equal(0, farm:missing())
         assert.is_true(#farm.leads <= 3, ("%g s: %d terms"):format(seconds, #farm.leads))
      end
   end)
end)
