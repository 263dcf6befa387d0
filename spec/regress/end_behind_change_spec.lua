-- A page that had a job twice, or a farm's news while the loop's body slept, told a change of a job
-- and then its end before the loop had either. The loop gave the job twice, as if the change were
-- its end; counts were one too low, and the token had its id twice.
local topaz = require "topaz"

local ID, OTHER = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"

describe("a watcher that is told a change and the end of a job at once", function()
   local client
   before_each(function() client = topaz.client { api_key = "key", base_url = "http://127.0.0.1:9" } end)
   after_each(function() client:close() end)

   -- The end: true: the server does not know the job.
   local function watcher_of(ids, is_gone, told)
      local watcher = client:watch(ids, { on_progress = function(status) table.insert(told, status.status) end })
      local plan = watcher.plan
      local job = plan.jobs[ID]
      plan:see(job, { process_id = ID, status = "Processing", progress = 1 })
      if is_gone then plan:lose(job, { kind = "not_found" })
      else plan:see(job, { process_id = ID, status = "Completed", progress = 100 }) end
      return watcher
   end

   it("gives the job once, with its end", function()
      for _, is_gone in ipairs { false, true } do
         local told, given = {}, {}
         for status, gone in watcher_of({ ID }, is_gone, told) do
            table.insert(given, { status.status, gone ~= nil })
         end
         assert.same({ { is_gone and "Processing" or "Completed", is_gone } }, given)
         assert.same({ "Processing", not is_gone and "Completed" or nil }, told)
      end
   end)

   it("counts it once", function()
      local watcher = watcher_of({ ID, OTHER }, false, {})
      assert.equal(2, watcher:pending())
      assert.same({ OTHER, ID }, watcher.plan:ids())
      assert.equal("Completed", watcher().status)
      assert.equal(1, watcher:pending())
      assert.same({ OTHER }, watcher.plan:ids())
   end)
end)
