#!/bin/sh
# Repeats a table of results: trains what is missing, then prints it.
#
#	table.sh train TABLE [RUNS]   every run of the table, in order
#	table.sh print TABLE [RUNS]   what is done, as Markdown
#
# TABLE is a file of tables/, RUNS where run folders go (runs). A run that is done
# is skipped, one that was interrupted is resumed: stop and repeat the command as
# you like. $QAT is the program (qat; may be "go run ./cmd/qat"), $QAT_FLAGS are
# flags for every training ("--threads 1").
#
# A line of a table is a row: its name, its seeds, its recipe, flags. In the flags
# @ROW is the best float checkpoint of the row with the same seed, and @TABLE/ROW
# that of a row of another table. Rows named base… only serve others.
set -eu
here=$(dirname "$0")
usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; }
case " $* " in *" -h "* | *" --help "*)
	usage
	exit
	;;
esac
if [ $# -lt 2 ]; then
	usage >&2
	exit 2
fi
verb=$1 table=$(basename "$2") runs=${3:-runs}
if [ ! -f "$here/tables/$table" ]; then
	echo "table.sh: there is no table $table, only $(ls "$here/tables" | paste -s -d ' ' -)" >&2
	exit 2
fi

# rows calls a function with name, seeds, recipe and flags of every row.
rows() {
	sed 's/#.*//' "$here/tables/$table" | while read -r row seeds recipe flags; do
		[ -z "$row" ] || "$1" "$row" "$seeds" "$recipe" "$flags"
	done
}

# files puts checkpoints in the place of rows, for a seed.
files() {
	for flag in $2; do
		case $flag in
		@*/*) flag=$runs/${flag#@}-$1/checkpoint-float.safetensors ;;
		@*) flag=$runs/$table/${flag#@}-$1/checkpoint-float.safetensors ;;
		esac
		printf '%s ' "$flag"
	done
}

train() {
	for seed in $(echo "$2" | tr , ' '); do
		out=$runs/$table/$1-$seed
		[ ! -e "$out/summary.json" ] || continue
		echo "$table: $1, seed $seed" >&2
		if [ -e "$out/config.yaml" ]; then
			${QAT:-qat} train --resume "$out" ${QAT_FLAGS:-} </dev/null
		else
			${QAT:-qat} train "$here/$3" --seed "$seed" --out "$out" $(files "$seed" "$4") ${QAT_FLAGS:-} </dev/null
		fi
	done
}

# values prints the runs of a row that are done, one a line: name, command, seed,
# float and quantized epochs, minutes, bytes, accuracies of the float network, the
# fake-quantized one and the integers, and integers that differ.
values() {
	for seed in $(echo "$2" | tr , ' '); do
		out=$runs/$table/$1-$seed
		[ -e "$out/summary.json" ] || continue
		awk -v OFS='|' -v row="$1" -v command="$3${4:+ }$4" -v seed="$seed" '
			/^[a-z]*:/ || /: \{$/ { part = $1; gsub(/[":]/, "", part) }
			FILENAME ~ /yaml$/ && $1 == "epochs:" { epochs[part] += $2 }
			FILENAME ~ /yaml$/ && $1 == "init:" { init = $2 }
			FILENAME ~ /json$/ { key = $1; gsub(/[":]/, "", key); sub(/,$/, "", $2); v[part "." key] = $2 }
			END {
				if (init != "\"\"") epochs["float"] = 0
				print row, command, seed, epochs["float"], epochs["qat"], (v["seconds.float"] + v["seconds.qat"]) / 60, \
					v["size_bytes.integer"], v["accuracy.float"], v["accuracy.fakequant"], v["accuracy.integer"], v["verify.integer_mismatches"]
			}' "$out/config.yaml" "$out/summary.json"
	done
}

# markdown makes a table of such lines. Differences are to the mean of the row
# float; spread is from the least to the greatest of the seeds.
markdown() {
	awk -F '|' '
		$1 ~ /^base/ { next }
		{
			accuracy = $10 != "null" ? $10 : $9 != "null" ? $9 : $8
			if (!($1 in n)) { order[++rows] = $1; low[$1] = high[$1] = accuracy }
			n[$1]++; sum[$1] += accuracy; minutes[$1] += $6; seeds[$1] = seeds[$1] (n[$1] > 1 ? ", " : "") $3
			if (accuracy < low[$1]) low[$1] = accuracy
			if (accuracy > high[$1]) high[$1] = accuracy
			command[$1] = $2; epochs[$1] = $4 + $5; bytes[$1] = $7; integers[$1] = $10; differ[$1] += $11; quantized[$1] = $5
		}
		END {
			print "| row | recipe and flags | seeds | epochs | minutes a seed | file | accuracy | least to greatest | below float | integers that differ |"
			print "|---|---|---|---|---|---|---|---|---|---|"
			for (i = 1; i <= rows; i++) {
				r = order[i]; mean = sum[r] / n[r]
				printf("| %s | `%s` | %s | %d | %.1f | %s | %.2f %% | %s | %s | %s |\n", r, command[r], seeds[r], epochs[r], minutes[r] / n[r],
					bytes[r] > 0 ? sprintf("%d B", bytes[r]) : "-", 100 * mean,
					n[r] > 1 ? sprintf("%.2f to %.2f", 100 * low[r], 100 * high[r]) : "-",
					("float" in n) && r != "float" ? sprintf("%.2f", 100 * (sum["float"] / n["float"] - mean)) : "-",
					integers[r] != "null" ? differ[r] : quantized[r] > 0 ? "fake-quantized only" : "float")
			}
		}'
}

case $verb in
train) rows train ;;
print) rows values | markdown ;;
*)
	echo "table.sh: there is no $verb, only train and print" >&2
	exit 2
	;;
esac
