-- A clean-up stopped after eight readings of the list and reported success,
-- though cursors that count records had skipped some each time.
local core = require "topaz.core"
local world = require "spec.support.world"

local methods = core.client_methods()

describe("a clean-up of a list whose cursors skip what moves", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client, originals

   before_each(function() client, originals = world.client(emulator()), {} end)
   after_each(function()
      for name, f in pairs(originals) do methods[name] = f end
      client:close()
   end)

   it("reads it as often as readings lead to deletions", function()
      local ids = emulator():add_jobs { count = 20, status = "Completed" }
      local record =
         '{"data":[{"process_id":"%s","status":"Completed"}],"pagination":{"has_next_page":true,"next_cursor":"%d"}}'
      for i = 1, 20 do -- each reading shows one status, and an empty page behind it
         emulator():fault { match = { kind = "list" }, status = 200, body = record:format(ids[i], i) }
         emulator():fault { match = { kind = "list" }, status = 200,
            body = '{"data":[],"pagination":{"has_next_page":false}}' }
      end
      local report, err = client:delete_finished()
      assert.is_nil(err)
      assert.is_nil(report.incomplete)
      assert.equal(20, report.deleted)
      assert.same({}, emulator():jobs())
      assert.equal(41, world.seen(emulator(), "list"))
   end)

   -- A server that shows a new status in each reading, without a server.
   local function endless()
      local made = 0
      local function replace(name, f) originals[name], methods[name] = methods[name], f end
      replace("statuses", function()
         local given = 0
         return {
            in_page = function()
               given = given + 1
               if given == 1 then
                  made = made + 1
                  return { process_id = ("00000000-0000-4000-8000-%012x"):format(made), status = "Completed" }
               end
               if given == 4 then return false end
               return nil
            end,
            close = function() end,
         }
      end)
      replace("start", function()
         return { done = function() return true end, result = function() return true end, cancel = print }
      end)
   end

   it("says that it is incomplete where that has no end", function()
      endless()
      local report, err = client:delete_finished()
      assert.equal(1000, report.deleted)
      assert.is_true(report.incomplete)
      assert.equal(err, report.stopped)
      assert.same({ "protocol", "delete_finished" }, { err.kind, err.operation })
      assert.matches("there may be more", tostring(err))
   end)

   it("says that it is incomplete when it was stopped", function()
      emulator():add_jobs { count = 5, status = "Completed" }
      emulator():fault { match = { kind = "delete_one" }, status = 403, body = "" }
      local report, err = client:delete_finished()
      assert.equal("forbidden", err.kind)
      assert.is_true(report.incomplete)
   end)

   it("ends in a task that was cancelled and looks at no error", function()
      local rounds = 0
      local task = client:spawn(function()
         while true do
            client:delete_finished()
            rounds = rounds + 1
         end
      end)
      task:cancel()
      assert.equal(1, (client:run()))
      assert.equal(1, rounds)
      assert.equal("cancelled", select(2, pcall(task.result, task)).kind)
   end)
end)
