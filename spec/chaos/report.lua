--- Writes a case down so that it can be played again and understood:
-- the seed, the operations, and what the proxy did.
local script = require "spec.chaos.script"

local report = {}

local function show(value, depth)
   if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
   if getmetatable(value) and getmetatable(value).__tostring then return tostring(value) end
   if (depth or 0) > 3 then return "{…}" end
   local names, out = {}, {}
   for name in pairs(value) do names[#names + 1] = name end
   table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
   for i, name in ipairs(names) do
      if i > 12 then
         out[i] = ("… %d in all"):format(#names)
         break
      end
      out[i] = (type(name) == "string" and name .. " = " or "") .. show(value[name], (depth or 0) + 1)
   end
   return "{ " .. table.concat(out, ", ") .. " }"
end

local HIDDEN = { given = true, words = true, fiber = true, handle = true, cursor = true }

local function operation_line(op, began)
   local copy = {}
   for name, value in pairs(op) do
      if not HIDDEN[name] then copy[name] = value end
   end
   for _, name in ipairs { "began", "ended" } do
      copy[name] = op[name] and op[name] < math.huge and ("%.3f"):format(op[name] - began) or nil
   end
   return show(copy)
end

-- The requests of one job, as the server saw them.
local function requests_of(scene, op)
   local lines = {}
   for _, entry in ipairs(scene.world and scene.world.log or {}) do
      if op.id and entry.path:find(op.id, 1, true) or op.kind == "delete_all" and entry.kind == "delete_all" then
         lines[#lines + 1] = ("    %.3f to %s: %s %s → %s, connection %s, %s"):format(entry.time - scene.began,
            entry.finished
            and ("%.3f"):format(entry.finished - scene.began) or "?", entry.method, entry.path, tostring(entry.status),
            tostring(entry.connection), tostring(entry.headers["user-agent"]))
      end
   end
   return lines
end

--- The line that plays a round again.
function report.again(round, only)
   return ('make chaos ARGS="seed=%d round=%d%s"'):format(round.seed, round.number, only and " only=" .. only or "")
end

--- Writes the whole case to `path`.
function report.write(path, scene)
   local round = scene.round
   local file <close> = assert(io.open(path, "w"))
   local function line(format, ...) file:write(format:format(...), "\n") end
   line("%s", report.again(round))
   line("mode %s, severity %g, %d jobs, collector %s, %d late answers that may have met a request", round.mode,
      round.severity, round.size, round.collector, scene.met and scene.met.races or 0)
   for _, violation in ipairs(scene.violations) do
      line("VIOLATED: %s", violation.text)
      if violation.op then
         line("    %s", operation_line(violation.op, scene.began))
         for _, text in ipairs(requests_of(scene, violation.op)) do line("%s", text) end
      end
   end
   line "\nclients:"
   for _, client in ipairs(round.clients) do line("  %s", show(client)) end
   line "\nrules that were met (listener, connection, way, byte, what, argument):"
   for _, text in ipairs(scene.met or {}) do line("  %s", text) end
   line "\noperations:"
   for _, op in ipairs(round.ops) do line("  %s", operation_line(op, scene.began)) end
   line "\nthe proxy's script:"
   for _, rule in ipairs(round.rules) do line("  %s", script.line(rule)) end
end

return report
