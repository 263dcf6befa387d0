--- Statuses on the output: JSON, JSON lines, CSV, a table for people, lines with tabs for programs.
local core = require "topaz.core"
local columns = require "topaz.cli.columns"
local dates = require "topaz.cli.dates"
local json = require "topaz.cli.json"
local problem = require "topaz.cli.problem"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"

local output = {}

-- The problem that a write met first. What was written before it may be lost too: nothing is
-- written any more.
local trouble

local function note(ok, why)
   if ok or trouble then return end
   local hint = tostring(why):find "[Bb]roken pipe" and "the program that reads it has ended"
      or "what was written is incomplete: free some space or write elsewhere, and run the command again"
   trouble = problem.new(problem.FAILED, "cannot write the output: " .. tostring(why), hint)
end

--- Called before and after anything is written; nil: nothing is.
output.before, output.after = nil, nil

local in_line = false -- whether what was written last has not ended its line

--- Sends what was written on its way.
-- @treturn table|nil the problem that this or an earlier write has met
function output.settle()
   if output.before then output.before() end
   note(io.stdout:flush())
   return trouble
end

--- Does the same, and raises the problem.
function output.flush()
   if output.settle() then error(trouble, 0) end
end

local lines -- drawn at the bottom of the terminal; what is written stands above them

--- Names lines of topaz.terminal that each write clears first; nil: none.
function output.above(drawn) lines = drawn end

--- Clears what is drawn at the bottom of the terminal.
function output.clear()
   if output.before then output.before() end
   if lines then lines:clear() end
end

--- Ends the line on the terminal that was begun, so that something can be drawn below it. Returns
-- nothing; `output.write` knows.
function output.end_line()
   if in_line and terminal.is_terminal(io.stdout) then
      io.stdout:write "\n"
      io.stdout:flush()
      in_line = false
   end
end

--- Says that a person has ended the line by typing.
function output.line_was_ended() in_line = false end

-- Writes, and calls what notes it. Ctrl-C comes before both or behind both.
local put = core.uninterrupted(function(noted, ...)
   in_line = not tostring(select(-1, ...)):find "\n$"
   note(io.stdout:write(...))
   if noted then noted() end
end)

--- Writes to the output, or raises why that cannot be.
-- @tparam[opt] function noted called when the text was written: Ctrl-C never comes in between
-- @param ... strings
function output.write_noting(noted, ...)
   output.clear()
   if not trouble then put(noted, ...) end
   if trouble then error(trouble, 0) end
   if output.after then output.after() end
end

--- The same, where nothing is to be noted.
function output.write(...) output.write_noting(nil, ...) end

-- ---- one writer for each form: add(status), finish(), stop() where it ends early ----------------
-- `noted` is called for each status that was written, or is kept to be written by stop().

local function json_writer(fields, noted)
   local first, ended = true, false
   local function added()
      first = false
      noted()
   end
   local function over() ended = true end
   local function finish()
      if not ended then output.write_noting(over, first and "[]\n" or in_line and "\n]\n" or "]\n") end
   end
   return {
      add = function(status)
         output.write_noting(added, first and "[\n" or in_line and ",\n" or ",", json.object(status, fields))
      end,
      finish = finish,
      stop = function()
         if not first then finish() end
      end,
   }
end

local function object_writer(fields, noted)
   return { add = function(status) output.write_noting(noted, json.object(status, fields), "\n") end }
end

-- A value as text: times as ISO 8601.
local function plain(status, name, o)
   local value = status[name]
   return dates.MEMBERS[name] and dates.shown(value, "iso", o) or json.plain(value)
end

local function csv_value(s, o)
   if o.tty then s = text.safe(s, o.ascii) end
   return s:find '[,"\r\n]' and '"' .. s:gsub('"', '""') .. '"' or s
end

local function csv_writer(fields, o, noted)
   local names = fields or json.MEMBERS
   local begun = o.resumed
   local function has_begun() begun = true end
   local function line(after, values) output.write_noting(after, table.concat(values, ","), "\r\n") end
   local function begin()
      if not begun then line(has_begun, names) end
   end
   return {
      add = function(status)
         begin()
         local values = {}
         for i, name in ipairs(names) do values[i] = csv_value(plain(status, name, o), o) end
         line(noted, values)
      end,
      finish = begin,
      stop = function() end,
   }
end

--- The members in the line of a job that is followed.
output.JOB = { "process_id", "status", "progress", "filename" }

--- The values of a status with tabs between them, for programs.
-- @tparam table status
-- @tparam table names
-- @tparam[opt] table o `epoch`: times as numbers
-- @treturn string
function output.tabs(status, names, o)
   local values = {}
   for i, name in ipairs(names) do values[i] = text.safe(plain(status, name, o or {})) end
   return table.concat(values, "\t")
end

local function tab_writer(fields, o, noted)
   return { add = function(status) output.write_noting(noted, output.tabs(status, fields, o), "\n") end }
end

-- The first statuses are held back to find the widths: so many as fill a screen.
local function table_writer(given, o, noted)
   local waiting, layout = {}, nil
   local function begin(more_to_come)
      local made, rows = columns.layout(given, waiting, o, more_to_come), {}
      for i, status in ipairs(waiting) do rows[i] = made:row(status) .. "\n" end
      output.write_noting(function() waiting, layout = nil, made end, o.paint("head", made:head()), "\n",
         table.concat(rows))
   end
   return {
      add = function(status)
         if layout then return output.write_noting(noted, layout:row(status), "\n") end
         waiting[#waiting + 1] = status
         noted()
         if #waiting >= o.sample then begin(true) end
      end,
      finish = function()
         if not layout and #waiting > 0 then begin() end
      end,
   }
end

--- The form of the output: what the options say, else a table on a terminal of any kind and tabs
-- elsewhere.
function output.form(args, to_tty) return args.output or to_tty and "table" or "tabs" end

--- The members that a form needs; nil: all.
function output.fields(args, to_tty)
   if args.fields then return args.fields end
   local form = output.form(args, to_tty)
   return (form == "table" or form == "tabs") and columns.DEFAULT or nil
end

local SAMPLE = 100 -- statuses that give a table its widths where there is no screen to fill

--- A writer: `add(status)`, then `finish()`, or `stop()` where it ends early: then too all that
-- was added has been written. Nothing is kept but the first statuses of a table.
-- @param shell
-- @tparam[opt] table given `single`: --json means an object, not an array; `noted`: called for each
-- status that was written, or that stop() writes: Ctrl-C never comes between a write and that
-- @return the writer
function output.writer(shell, given)
   local args, to_tty = shell.args, shell.is_tty
   local width, rows = terminal.size()
   local o = {
      terminal = shell.is_terminal, tty = to_tty, paint = shell.paint, ascii = terminal.is_ascii(),
      epoch = args.epoch, utc = args.utc, resumed = args.resume ~= nil, width = to_tty and width or math.maxinteger,
      -- a screen of them, without the headings and the shell's next line
      sample = to_tty and math.max(rows - 2, 1) or SAMPLE,
   }
   local fields, form = output.fields(args, to_tty), output.form(args, to_tty)
   local noted = given and given.noted or function() end
   local made
   if form == "json" and not (given and given.single) then made = json_writer(fields, noted)
   elseif form == "json" or form == "jsonl" then made = object_writer(fields, noted)
   elseif form == "csv" then made = csv_writer(fields, o, noted)
   elseif form == "table" then made = table_writer(args.fields, o, noted)
   else made = tab_writer(fields, o, noted) end
   made.finish = made.finish or function() end
   made.stop = made.stop or made.finish
   return made
end

return output
