-- Wherever Lua can run inside the core, anything of topaz may be called, on the same object.
-- So every method and metamethod of clients, cursors, requests, tasks and watchers is called
-- by finalizers, debug hooks, callbacks and metamethods at points all through what the core does:
-- decoding pages, arrays, single answers and errors, reading options, delivering events,
-- giving results, waiting, closing. Each play is looked at: no status torn, twice or lost, no text
-- with the key in it, nothing stays pending, the next call works or says that the client is closed.
--
-- TORTURE=n: n points for each scene and deed; without it, a quarter of the deeds in each scene,
-- all of them in four scenes. SCENE=text: only scenes with that in their name.
local torture = require "spec.support.torture"
local world = require "spec.support.world"

describe("torture by", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "virtual", key = "SENTINEL-KEY-1" })
   local tries = tonumber(os.getenv "TORTURE") or 0.25

   -- Points that must be reached; where each play collects all garbage many times,
   -- only one deed in seven is tried.
   local LEAST = { finalizer = 880, generational = 880, eager = 125, hook = 880, ["collecting hook"] = 125,
      callback = 700 }
   for _, mode in ipairs { "finalizer", "generational", "eager", "hook", "collecting hook", "callback" } do
      it(mode .. ": every deed in every scene", function()
         local sum = torture.run(emulator(), mode, tries)
         local all, reached, points, names = 0, 0, 0, {}
         for name, scene in pairs(sum.scenes) do
            all, reached, points = all + scene.tries, reached + scene.reached, points + scene.points
            local missed = scene.tries - scene.reached
            if missed > 0 then
               sum.problems[#sum.problems + 1] =
                  ("%s: %d of %d points were not reached"):format(name, missed, scene.tries)
            end
            names[#names + 1] = name
         end
         print(("torture by %s: %d scenes, %d deeds, %d cases, %d of %d reached, %d different points"):format(
            mode, #names, sum.deeds, sum.cases, reached, all, points))
         assert.same({}, sum.problems)
         assert.is_true(sum.deeds > 100)
         if not os.getenv "SCENE" then assert.is_true(reached >= LEAST[mode], reached) end
      end)
   end

   for _, how in ipairs { "collected", "generational", "closed state", "exit" } do
      it("death, " .. how .. ": every deed before and after the end of everything", function()
         local count, problems = 0, {}
         for seed = 1, math.max(6, 12 * tries) do
            local done, problem = torture.death(emulator(), how, seed)
            count = count + done
            problems[#problems + 1] = problem
         end
         print(("torture by death, %s: %d deeds"):format(how, count))
         assert.same({}, problems)
         assert.is_true(count > 500)
      end)
   end
end)
