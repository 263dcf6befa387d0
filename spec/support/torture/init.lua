-- Starts the torture (run.lua and death.lua) in processes of its own, as often as one dies,
-- and gathers what they say.
local interpreter = require "spec.support.interpreter"

local torture = {}

local DEATHS_MOST = 10  -- of a mode, after which it is given up
local SILENCE_MOST = 30 -- seconds without another case: then it hangs, and Ctrl-C asks it where

-- $1: the script, then its arguments.
local COMMAND = [[
export TORTURE_KEY='%s' TORTURE_URL='%s' TORTURE_PORT=%d LUA_PATH='%s' LUA_CPATH='%s'
out=$(mktemp)
%s %s '%s' >"$out" 2>&1 &
child=$!
(before= silent=0
 while sleep 1; do
   now=$(wc -c <"$out")
   if [ "$now" = "$before" ]; then silent=$((silent + 1)); else silent=0; fi
   before=$now
   if [ $silent -ge %d ]; then kill -INT $child; sleep 2; kill -KILL $child; fi
 done) >/dev/null 2>&1 &
guard=$!
wait $child 2>/dev/null
kill $guard
cat "$out"
rm "$out"
]]

-- All that a process says, errors too.
local function output(emulator, script, ...)
   local pipe =
      assert(io.popen(COMMAND:format(emulator.key, emulator.url, emulator.server.ports[2], package.path, package.cpath,
         interpreter, script, table.concat({ ... }, "' '"), SILENCE_MOST)))
   local text = pipe:read "a"
   pipe:close()
   return text
end

-- Adds what one process has said to the sum; the number of the last case.
local function gather(sum, text)
   local case, number = "nothing", 0
   for line in text:gmatch "[^\n]+" do
      local n = line:match "^case (%d+)"
      local name, tries, reached, points = line:match "^scene (.*): (%d+) (%d+) (%d+)$"
      if n then
         case, number = line, tonumber(n)
         sum.cases = sum.cases + 1
      elseif name then
         local scene = sum.scenes[name] or { tries = 0, reached = 0, points = 0 }
         sum.scenes[name] = scene
         scene.tries, scene.reached, scene.points = scene.tries + tries, scene.reached + reached, scene.points + points
      elseif line:find "^problem: " then
         sum.problems[#sum.problems + 1] = case .. ": " .. line:sub(10)
      elseif line:find "^deeds " then
         sum.deeds = tonumber(line:match "%d+")
      end
   end
   return number, case
end

-- What a checker or the interpreter said as it died: the first lines behind the last case.
local function last_words(text, case)
   local at = select(2, text:find(case, 1, true)) or 0
   local lines = {}
   for line in text:sub(at + 1):gmatch "[^\n]+" do
      lines[#lines + 1] = line
      if #lines == 24 then break end
   end
   return #lines == 0 and "killed without a word" or table.concat(lines, "\n   ")
end

--- Plays all scenes in one mode.
-- Gives { cases, deeds, scenes = { [name] = { tries, reached, points } }, problems }.
function torture.run(emulator, mode, tries)
   local sum, first = { cases = 0, deeds = 0, scenes = {}, problems = {} }, 1
   for _ = 1, DEATHS_MOST do
      local text = output(emulator, "spec/support/torture/run.lua", mode, tries, first)
      local number, case = gather(sum, text)
      if text:find "\nover\n" then
         if not text:find "\nover\n$" then
            sum.problems[#sum.problems + 1] = "at the end: " .. last_words(text, "\nover\n")
         end
         return sum
      end
      sum.problems[#sum.problems + 1] = ("%s: the process died:\n   %s"):format(case, last_words(text, case))
      first = number + 1
   end
   return sum
end

--- Has everything die in another order: run death.lua with a seed.
-- Gives how many deeds were done, and what was wrong.
function torture.death(emulator, how, seed)
   local text = output(emulator, "spec/support/torture/death.lua", how, seed)
   local done = tonumber(text:match "done (%d+)\n$")
   return done or 0, (not done or text:find "problem") and text or nil
end

return torture
