--- topaz-status list: the statuses as they come, none of them kept.
local arguments = require "topaz.cli.arguments"
local core = require "topaz.core"
local options = require "topaz.cli.options"
local output = require "topaz.cli.output"
local select = require "topaz.cli.select"
local terminal = require "topaz.terminal"

local FLUSH_EVERY = 0.5 -- seconds; the output grows steadily in a pipe

local function run(shell)
   local args = shell.args
   local fields = output.fields(args, shell.is_terminal)
   local cursor <close> = select.cursor(shell, fields)
   local token = args.resume -- stands behind the last status that was written
   shell.resume = function() return token and shell:again(token) end
   local writer = output.writer(args, {
      terminal = shell.is_terminal, paint = shell.paint, width = shell.is_terminal and terminal.size(),
      ascii = terminal.is_ascii(),
   })
   local count, flushed = 0, core.now()
   for status in cursor do
      writer.add(status)
      count = count + 1
      token = cursor:token()
      if count == args.limit then break end
      if core.now() - flushed > FLUSH_EVERY then
         output.flush()
         flushed = core.now()
      end
   end
   writer.finish()
   shell.resume = nil
   if count == 0 and shell.is_terminal and not (args.json or args.jsonl or args.csv) then
      output.write "no statuses match\n"
   end
end

return {
   name = "list",
   summary = "List statuses.",
   description = "List statuses, the newest first: on a terminal as a table that fits it, otherwise one line per "
      .. "status, with tabs between its members.",
   examples = [[
topaz-status list --status Failed --newer-than 24h
topaz-status list --csv --fields process_id,filename,credits >statuses.csv
topaz-status list --jsonl | jq .filename]],
   arguments = function(command)
      arguments.filters(command)
      arguments.formats(command)
      command:option("--limit", "At most N statuses."):argname "N":convert(options.integer(1))
      command:option("--resume", "Resume after TOKEN (printed when a list is interrupted). With --csv the header is "
         .. "then left out, so that the output can be appended."):argname "TOKEN"
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
