--- Statuses on the output: JSON, JSON lines, CSV, a table for people, lines with tabs for programs.
local json = require "topaz.cli.json"
local problem = require "topaz.cli.problem"
local text = require "topaz.terminal.text"
local columns = require "topaz.cli.columns"

local output = {}

-- The problem that a write met first. What was written before it may be lost too: nothing is
-- written any more.
local trouble

local function note(ok, why)
   if ok or trouble then return end
   trouble = problem.new(problem.FAILED, "cannot write the output: " .. tostring(why),
      "what was written is incomplete: free some space or write elsewhere, and run the command again")
end

--- Called before anything is written; nil: nothing is.
output.before = nil

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

--- Writes to the output, or raises why that cannot be.
function output.write(...)
   if output.before then output.before() end
   if not trouble then note(io.stdout:write(...)) end
   if trouble then error(trouble, 0) end
end

-- ---- one writer for each form: add(status), finish() --------------------------------------------

local function json_writer(fields)
   local first = true
   return {
      begin = function() output.write "[" end,
      add = function(status)
         output.write(first and "\n" or ",\n", json.object(status, fields))
         first = false
      end,
      finish = function() output.write(first and "]\n" or "\n]\n") end,
   }
end

local function jsonl_writer(fields)
   return { add = function(status) output.write(json.object(status, fields), "\n") end }
end

local function csv_value(value, to_terminal)
   local s = json.plain(value)
   if to_terminal then s = text.safe(s) end
   return s:find '[,"\r\n]' and '"' .. s:gsub('"', '""') .. '"' or s
end

local function csv_writer(fields, o)
   local names = fields or json.MEMBERS
   local function line(values) output.write(table.concat(values, ","), "\r\n") end
   return {
      begin = function()
         if not o.resumed then line(names) end
      end,
      add = function(status)
         local values = {}
         for i, name in ipairs(names) do values[i] = csv_value(status[name], o.terminal) end
         line(values)
      end,
   }
end

--- The members in the line of a job that is followed.
output.JOB = { "process_id", "status", "progress", "filename" }

--- The values of a status with tabs between them, for programs.
-- @tparam table status
-- @tparam table names
-- @treturn string
function output.tabs(status, names)
   local values = {}
   for i, name in ipairs(names) do values[i] = text.safe(json.plain(status[name])) end
   return table.concat(values, "\t")
end

local function tab_writer(fields)
   return { add = function(status) output.write(output.tabs(status, fields), "\n") end }
end

local SAMPLE = 50 -- statuses that are looked at to find the widths

local function table_writer(fields, o)
   local waiting, layout = {}, nil
   local function begin(more_to_come)
      layout = columns.layout(o.given and fields or nil, waiting, o.width, o.ascii, more_to_come)
      output.write(o.paint("head", layout:head()), "\n")
      for _, status in ipairs(waiting) do output.write(layout:row(status, o.paint), "\n") end
      waiting = nil
   end
   return {
      add = function(status)
         if layout then return output.write(layout:row(status, o.paint), "\n") end
         waiting[#waiting + 1] = status
         if #waiting == SAMPLE then begin(true) end
      end,
      finish = function()
         if not layout and #waiting > 0 then begin() end
      end,
   }
end

--- The members of a table without --fields.
output.DEFAULT = { "process_id", "status", "progress", "filename", "model", "credits", "creation_time" }

--- The members that a form needs; nil: all.
function output.fields(args, to_terminal)
   if args.fields then return args.fields end
   if args.json or args.jsonl or args.csv then return nil end
   return to_terminal and columns.DEFAULT or output.DEFAULT
end

--- A writer: `add(status)`, then `finish()`. Nothing is kept but the first statuses of a table.
-- @tparam table args `json`, `jsonl`, `csv`, `fields`, `resume`
-- @tparam table o `terminal`: whether the output is one; `paint`; `width`; `ascii`
-- @return the writer
function output.writer(args, o)
   local fields = output.fields(args, o.terminal)
   local made
   if args.json then made = json_writer(fields)
   elseif args.jsonl then made = jsonl_writer(fields)
   elseif args.csv then made = csv_writer(fields, { terminal = o.terminal, resumed = args.resume ~= nil })
   elseif o.terminal then
      made = table_writer(fields, { given = args.fields, width = o.width, ascii = o.ascii, paint = o.paint })
   else made = tab_writer(fields) end
   if made.begin then made.begin() end
   made.finish = made.finish or function() end
   return made
end

return output
