-- What the farm's plan keeps of a status.
local lean = require "topaz.share.lean"
local union = require "topaz.share.union"
local words = require "topaz.words"

local function status_of(word, progress, eta)
   return { process_id = "00000000-0000-4000-8000-000000000001", status = word, progress = progress, eta = eta }
end

describe("a lean status", function()
   local NONE = {}
   local PROGRESS = { NONE, 0, 1, 99, 100, 101, -1, 42.5, 0 / 1, math.maxinteger, math.mininteger, math.huge }
   local ETAS = {
      NONE, 0, 1, 1700000000, (1 << 40) - 1, 1 << 40, -1, 1.5, math.maxinteger, math.mininteger, -math.huge,
   }

   local function each(f)
      for _, word in ipairs { "Strange", "", table.unpack(words.statuses) } do
         for _, progress in ipairs(PROGRESS) do
            for _, eta in ipairs(ETAS) do
               f(status_of(word, progress ~= NONE and progress or nil, eta ~= NONE and eta or nil))
            end
         end
      end
   end

   it("says the same of word, progress and estimate, in value and type", function()
      each(function(status)
         local kept = lean.keep(status)
         local shown = lean.shown(kept)
         for _, name in ipairs { "status", "progress", "eta" } do
            assert.equal(status[name], shown[name])
            assert.equal(math.type(status[name]), math.type(shown[name]))
         end
         assert.equal(status.status, lean.word(kept))
         assert.equal(words.progress(status), lean.progress(kept))
         assert.equal(status.eta, lean.eta(kept))
      end)
   end)

   it("is the one before where both say the same, and another one else", function()
      local all = {}
      each(function(status) all[#all + 1] = status end)
      for i, status in ipairs(all) do
         local kept = lean.keep(status)
         assert.equal(kept, lean.keep(status, kept))
         local other = all[i % #all + 1]
         assert.not_equal(kept, lean.keep(other, kept))
      end
   end)

   it("is the one before where a whole number comes as a float, and where it comes as an integer", function()
      local integers, floats = status_of("Processing", 42, 1700000000), status_of("Processing", 42.0, 1700000000.0)
      for before, status in pairs { [integers] = floats, [floats] = integers } do
         local kept = lean.keep(before)
         assert.equal(kept, lean.keep(status, kept))
      end
   end)

   it("leaves out progress and estimate that are not numbers", function()
      for _, value in ipairs { "42", true, {} } do
         local kept = lean.keep(status_of("Processing", value, value))
         assert.same({ status = "Processing" }, lean.shown(kept))
         assert.equal(0, lean.progress(kept))
      end
   end)
end)

describe("a union of many jobs", function()
   local COUNT, PAGE = 20000, 100
   -- A job: 152 of its table, 72 of its id, 39 in each of two maps, 26 in a list; and the round's.
   local BYTES = 345

   local function id_of(i) return ("%08x-0000-4000-8000-%012x"):format(i * 2654435761 % 4294967296, i) end

   it("takes few bytes a job, also after rounds in which each has changed", function()
      local now, holder = 0, { seen = function() end }
      local jobs = union.new {
         now = function() return now end, server_time = function() return now end, random = function() return 0 end,
      }
      local function bytes()
         collectgarbage()
         collectgarbage()
         return collectgarbage "count" * 1024
      end
      local before = bytes()
      for i = 1, COUNT do jobs:hold(id_of(i), holder) end
      for round = 1, 3 do
         local at, what, argument = 0, jobs.plan:next()
         while what ~= "wait" do
            if what == "page" then
               local data = {}
               for i = at + 1, math.min(at + PAGE, COUNT) do
                  data[#data + 1] = { process_id = id_of(i), status = "Processing", progress = round, eta = 1000 + i }
               end
               at = at + PAGE
               jobs:begin_page()
               jobs:part(data, 1, #data)
               jobs:end_page { has_next_page = at < COUNT, next_cursor = tostring(at) }
            else
               jobs:got(argument, { process_id = argument.key, status = "Processing", progress = round, eta = 1000 })
            end
            what, argument = jobs.plan:next()
         end
         now = now + argument + 1
      end
      assert.is_true((bytes() - before) / COUNT <= BYTES, ("%d bytes"):format((bytes() - before) // COUNT))
      assert.equal(3, jobs:status_of(id_of(7)).progress)
   end)

   it("keeps no finished status, which may be large", function()
      local function now() return 0 end
      local jobs = union.new { now = now, server_time = now, random = now }
      local seen, nobody = setmetatable({}, { __mode = "k" }), { ended = function() end }
      for i = 1, 10 do jobs:hold(id_of(i), nobody) end
      for i = 1, 9 do
         local status = { process_id = id_of(i), status = "Completed" }
         seen[status] = true
         assert.is_true(jobs:heard(status))
      end
      collectgarbage()
      assert.is_nil(next(seen))
   end)
end)
