-- delete_finished deleted more than it was asked for: it read the tables in `where` anew with each
-- reading of the list, so that an on_progress that changed one let other statuses be chosen. And a
-- table with all of its members behind __index, as one that was made read-only, counted as empty.
local world = require "spec.support.world"

describe("what delete_finished deletes", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator(), { max_retries = 0 }) end)
   after_each(function() client:close() end)

   local function models()
      local counts = {}
      for _, job in ipairs(emulator():jobs()) do counts[job.model] = (counts[job.model] or 0) + 1 end
      return counts
   end

   for name, make in pairs {
      ["a set of texts"] = function() return { "A" }, function(set) set[2] = "B" end end,
      ["a set that excepts"] = function() return { except = { "B" } }, function(set) set.except[1] = nil end end,
      ["a table that excepts"] = function() return { except = "B" }, function(set) set.except = "A" end end,
   } do
      it("is not changed by an on_progress that changes " .. name, function()
         emulator():add_jobs { count = 150, status = "Completed", model = "A" }
         emulator():add_jobs { count = 50, status = "Completed", model = "B" }
         local set, change = make()
         local report = client:delete_finished {
            where = { model = set }, on_progress = function() change(set) end,
         }
         assert.equal(150, report.deleted)
         assert.same({ B = 50 }, models())
      end)
   end

   it("is not changed by an on_progress that changes a range", function()
      emulator():add_jobs { count = 150, status = "Completed", model = "A", credits = 1 }
      emulator():add_jobs { count = 50, status = "Completed", model = "B", credits = 9 }
      local range = { max = 5 }
      client:delete_finished { where = { credits = range }, on_progress = function() range.max = 10 end }
      assert.same({ B = 50 }, models())
   end)

   local function read_only(t) return setmetatable({}, { __index = t, __newindex = error }) end

   for name, options in pairs {
      options = read_only { older_than = 1e6 },
      where = { where = read_only { model = "B" } },
      except = { where = { model = read_only { except = "A" } } },
      ["the list of except"] = { where = { model = { except = read_only { "A" } } } },
      ["the numbers of except"] = { where = { credits = { except = read_only { 1 } } } },
      headers = { headers = read_only { ["X-Dry-Run"] = "1" } },
   } do
      it("is not decided by a table whose members are not seen: " .. name, function()
         emulator():add_jobs { count = 5, status = "Completed", model = "A", credits = 1 }
         local ok, message = pcall(function() client:delete_finished(options) end)
         assert.is_false(ok)
         assert.matches("cleanup_chooses_spec.lua:%d+: bad argument .*metatable has __index", message)
         assert.same({ A = 5 }, models())
         assert.equal(0, world.seen(emulator()))
      end)
   end
end)

-- Ages in where.creation_time went by the server's clock alone, those of older_than by both.
describe("what delete_finished deletes by creation_time", function()
   local DAY = 86400

   for name, skew in pairs { ahead = DAY, behind = -DAY } do
      describe("with a server's clock that is " .. name, function()
         local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
            { skew = skew })

         it("is old enough, and young enough, by both clocks, known before or not", function()
            local now = os.time()
            local earlier = math.min(now, now + skew) - 7200
            for _, time in ipairs { earlier - 3600, earlier, now + skew } do
               emulator():add_jobs { status = "Completed", creation_time = time, modification_time = time }
            end
            for _, is_known in ipairs { false, true } do
               local client <close> = world.client(emulator())
               if is_known then assert(client:get_page()) end
               local function matched(options)
                  options.dry_run = true
                  return (client:delete_finished(options)).matched
               end
               assert.equal(1, matched { where = { creation_time = { older_than = 7200 + 1800 } } })
               assert.equal(1, matched { older_than = 7200 + 1800 })
               assert.equal(skew > 0 and 1 or 0, matched { where = { creation_time = { newer_than = 3600 } } })
               assert.equal(0, matched { where = { creation_time = { newer_than = 3600, max = earlier } } })
               assert.equal(1, matched { where = { creation_time = { older_than = 3600, min = earlier - 1800 } } })
            end
         end)
      end)
   end
end)
