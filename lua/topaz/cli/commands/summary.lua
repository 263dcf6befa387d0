--- topaz-status summary: counts, credits, and how long the completed ones took.
local arguments = require "topaz.cli.arguments"
local json = require "topaz.cli.json"
local new_counter = require "topaz.cli.counter"
local output = require "topaz.cli.output"
local progress = require "topaz.progress"
local select = require "topaz.cli.select"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"
local words = require "topaz.words"

-- Upper ends of the histogram's classes, in seconds; the last class is open.
local CLASSES = { 10, 30, 60, 120, 300, 900, 3600 }

local function add(counts, name, n) counts[name] = (counts[name] or 0) + n end

-- A sum of credits and the like: what is not a number does not count, and a sum too large for an
-- integer goes on as a float.
local function plus(sum, value)
   if type(value) ~= "number" then return sum end
   local total = sum + value
   return math.type(total) == "integer" and (value < 0) ~= (total < sum) and sum + 0.0 + value or total
end

-- Seconds from creation to end, where both are known.
local function duration_of(status)
   local from, to = status.creation_time, status.modification_time
   return type(from) == "number" and type(to) == "number" and math.max(0, to + 0.0 - from) or nil
end

local function add_duration(all, took)
   if not took then return end
   local class = 1
   while CLASSES[class] and took >= CLASSES[class] do class = class + 1 end
   all.durations[class] = all.durations[class] + 1
   all.timed, all.took, all.longest = all.timed + 1, all.took + took, math.max(all.longest, took)
end

-- Reads the list once. Returns what there is to tell.
local function count(shell)
   local all = {
      total = 0, by_status = {}, by_model = {}, credits = 0, credits_completed = 0,
      durations = {}, timed = 0, took = 0, longest = 0,
   }
   for i = 1, #CLASSES + 1 do all.durations[i] = 0 end
   local fields = { "status", "model", "credits", "creation_time", "modification_time" }
   local cursor <close> = select.cursor(shell, fields)
   local counter <close> = new_counter(shell)
   for status in counter:each(cursor) do
      all.total = all.total + 1
      add(all.by_status, status.status, 1)
      add(all.by_model, json.plain(status.model), 1)
      all.credits = plus(all.credits, status.credits)
      if status.status == "Completed" then
         all.credits_completed = plus(all.credits_completed, status.credits)
         add_duration(all, duration_of(status))
      end
   end
   return all
end

-- Names with their counts: the status words in the order of a job's life, then the others, the most
-- frequent first.
local function ordered(counts, first)
   local list, done = {}, {}
   for _, name in ipairs(first) do
      done[name] = true
      if counts[name] then list[#list + 1] = name end
   end
   local others = {}
   for name in pairs(counts) do
      if not done[name] then others[#others + 1] = name end
   end
   table.sort(others, function(a, b)
      if counts[a] ~= counts[b] then return counts[a] > counts[b] end
      return a < b
   end)
   return table.move(others, 1, #others, #list + 1, list)
end

local function as_json(all)
   local classes = {}
   for i, number in ipairs(all.durations) do
      classes[i] = ('{"from":%d,"to":%s,"count":%d}'):format(CLASSES[i - 1] or 0, CLASSES[i] or "null", number)
   end
   local form = '{"total":%d,"by_status":%s,"by_model":%s,"credits":%s,"credits_completed":%s,"mean_seconds":%s,'
      .. '"durations":[%s]}\n'
   return form:format(
      all.total, json.object(all.by_status, ordered(all.by_status, words.statuses)),
      json.object(all.by_model, ordered(all.by_model, {})),
      json.encode(all.credits), json.encode(all.credits_completed),
      all.timed > 0 and json.encode(all.took / all.timed) or "null",
      table.concat(classes, ","))
end

local function range(i)
   if i == 1 then return "under " .. text.duration(CLASSES[1]) end
   if not CLASSES[i] then return text.duration(CLASSES[i - 1]) .. " or more" end
   return ("%s to %s"):format(text.duration(CLASSES[i - 1]), text.duration(CLASSES[i]))
end

local function rows(shell, title, names, counts, total, width)
   if title then output.write(shell.paint("head", title), "\n") end
   local ascii, plain = terminal.is_ascii(), not shell.is_terminal
   for _, name in ipairs(names) do
      local number = counts[name]
      local shown = text.pad(text.safe(name == "" and "(none)" or name, ascii), 22, ascii and "~" or "…")
      local line = ("  %s %8d"):format(shown, number)
      if not plain and width >= 60 then
         local bar = progress.bar(100 * number / math.max(total, 1), math.min(width - 36, 42), ascii)
         line = line .. "  " .. shell.paint(name, bar)
      end
      output.write(plain and line or text.anchored(line), "\n")
   end
end

-- A title, and two names with their values.
local function pairs_of(shell, title, ...)
   output.write(shell.paint("head", title), ("\n  %-22s %8s\n  %-22s %8s\n"):format(...))
end

local function run(shell)
   local all = count(shell)
   if shell.args.json then return output.write(as_json(all)) end
   local width = shell.is_terminal and terminal.size() or 80
   local by_status = ordered(all.by_status, words.statuses)
   local title = ("%d status%s"):format(all.total, all.total == 1 and "" or "es")
   rows(shell, title, by_status, all.by_status, all.total, width)
   if all.total == 0 then return end
   rows(shell, "By model", ordered(all.by_model, {}), all.by_model, all.total, width)
   pairs_of(shell, "Credits", "all", json.encode(all.credits), "Completed", json.encode(all.credits_completed))
   if all.timed == 0 then return end
   local names, counts, first, last = {}, {}, nil, nil
   for i, number in ipairs(all.durations) do
      if number > 0 then first, last = first or i, i end
   end
   for i = first, last do
      names[#names + 1] = range(i)
      counts[range(i)] = all.durations[i]
   end
   pairs_of(shell, "Time from creation to end, Completed", "mean", text.duration(all.took / all.timed),
      "longest", text.duration(all.longest))
   rows(shell, nil, names, counts, all.timed, width)
end

return {
   name = "summary",
   summary = "Count statuses.",
   description = "Count statuses by status and model, add up their credits, and show how long the completed ones took.",
   examples = [[
topaz-status summary
topaz-status summary --newer-than 24h --json]],
   arguments = function(command)
      arguments.filters(command)
      command:group("Output", command:flag("--json", "One JSON object."))
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
