--- topaz-status summary: counts, credits, and how long the completed ones took.
local json = require "topaz.cli.json"
local output = require "topaz.cli.output"
local progress = require "topaz.progress"
local select = require "topaz.cli.select"
local terminal = require "topaz.cli.terminal"
local text = require "topaz.text"
local words = require "topaz.words"

-- Upper ends of the histogram's classes, in seconds; the last class is open.
local CLASSES = { 10, 30, 60, 120, 300, 900, 3600 }

local function add(counts, name, n) counts[name] = (counts[name] or 0) + n end

-- Reads the list once. Returns what there is to tell.
local function count(shell)
   local all = { total = 0, by_status = {}, by_model = {}, credits = 0, credits_completed = 0, durations = {}, took = 0, longest = 0 }
   for i = 1, #CLASSES + 1 do all.durations[i] = 0 end
   local cursor <close>, keeps = select.cursor(shell, { "status", "model", "credits", "creation_time", "modification_time" })
   for status in cursor do
      if keeps(status) then
         all.total = all.total + 1
         add(all.by_status, status.status, 1)
         add(all.by_model, status.model or "", 1)
         local credits = math.tointeger(status.credits) or 0
         all.credits = all.credits + credits
         if status.status == "Completed" then
            all.credits_completed = all.credits_completed + credits
            local took = math.max(0, (status.modification_time or 0) - (status.creation_time or 0))
            local class = 1
            while CLASSES[class] and took >= CLASSES[class] do class = class + 1 end
            all.durations[class] = all.durations[class] + 1
            all.took, all.longest = all.took + took, math.max(all.longest, took)
         end
      end
   end
   return all
end

-- Names with their counts: the status words in the order of a job's life, then the others, the most frequent first.
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
   local completed = all.by_status.Completed or 0
   return ('{"total":%d,"by_status":%s,"by_model":%s,"credits":%d,"credits_completed":%d,"mean_seconds":%s,"durations":[%s]}\n'):format(
      all.total, json.object(all.by_status, ordered(all.by_status, words.statuses)), json.object(all.by_model, ordered(all.by_model, {})),
      all.credits, all.credits_completed, completed > 0 and json.encode(all.took / completed) or "null", table.concat(classes, ","))
end

local function range(i)
   if i == 1 then return "under " .. text.duration(CLASSES[1]) end
   if not CLASSES[i] then return text.duration(CLASSES[i - 1]) .. " or more" end
   return ("%s to %s"):format(text.duration(CLASSES[i - 1]), text.duration(CLASSES[i]))
end

local function rows(shell, title, names, counts, total, width)
   output.write(shell.paint("head", title), "\n")
   local ascii, plain = terminal.is_ascii(), not shell.is_terminal
   for _, name in ipairs(names) do
      local number = counts[name]
      local shown = text.pad(text.safe(name == "" and "(none)" or name), 22, ascii and "~" or "…")
      local line = ("  %s %8d"):format(shown, number)
      if not plain and width >= 60 then
         line = line .. "  " .. shell.paint(name, progress.bar(100 * number / math.max(total, 1), math.min(width - 36, 42), ascii))
      end
      output.write(line, "\n")
   end
end

return function(shell)
   local all = count(shell)
   if shell.args.json then return output.write(as_json(all)) end
   local width = shell.is_terminal and terminal.size() or 80
   local completed = all.by_status.Completed or 0
   local by_status = ordered(all.by_status, words.statuses)
   rows(shell, ("%d status%s"):format(all.total, all.total == 1 and "" or "es"), by_status, all.by_status, all.total, width)
   if all.total == 0 then return end
   rows(shell, "By model", ordered(all.by_model, {}), all.by_model, all.total, width)
   output.write(shell.paint("head", "Credits"), ("\n  %-22s %8d\n  %-22s %8d\n"):format("all", all.credits, "Completed", all.credits_completed))
   if completed == 0 then return end
   local names, counts, first, last = {}, {}, nil, nil
   for i, number in ipairs(all.durations) do
      if number > 0 then first, last = first or i, i end
   end
   for i = first, last do
      names[#names + 1] = range(i)
      counts[range(i)] = all.durations[i]
   end
   rows(shell, ("Time from creation to end of the %d Completed: mean %s, longest %s"):format(completed,
      text.duration(all.took / completed), text.duration(all.longest)), names, counts, completed, width)
end
