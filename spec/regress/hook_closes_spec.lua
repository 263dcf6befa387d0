-- A debug hook runs at calls of C functions too: one that closed the client, between the look
-- whether it is open and the reading of a page, had the page stepped on a session that was gone.
local world = require "spec.support.world"

describe("a debug hook that runs while a list is read", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   -- Reads a list; at the turn-th event of the hook does `deed`.
   -- Returns whether it was done, and what pcall gave.
   local function read(client, options, mask, turn, deed)
      local cursor, count, done = client:statuses(options), 0, false
      local function hook()
         count = count + 1
         if count < turn or done then return end
         done = true
         debug.sethook()
         deed(client, cursor)
      end
      local given = 0
      local result = table.pack(pcall(function()
         debug.sethook(hook, mask, mask == "" and 1 or 0)
         for _ in cursor do given = given + 1 end
      end))
      debug.sethook()
      return done, result[1], result[2], given
   end

   for mask, name in pairs { c = "call", [""] = "count" } do
      for deed_name, deed in pairs {
         ["closes the client"] = function(client) client:close() end,
      } do
         it(("at a %s, and %s"):format(name, deed_name), function()
            emulator():add_jobs { count = 30, status = "Completed" }
            for _, paginated in ipairs { true, false } do
               local turn, done = 0, true
               while done and turn < 90 do
                  turn = turn + 7
                  local client <close> = world.client(emulator())
                  local ok, err, given
                  done, ok, err, given = read(client, { limit = 10, paginated = paginated }, mask, turn, deed)
                  if ok then assert.equal(30, given) else assert.equal("closed", err.kind, tostring(err)) end
               end
               assert.is_true(turn > 10)
            end
         end)
      end
   end
end)
