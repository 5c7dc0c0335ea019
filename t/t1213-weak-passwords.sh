#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: passwords as people choose them, where they stand in files and commands'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic. A line each, with @ for the password.
cat >places <<\END
password = "@"
password: '@',
export DB_PASSWORD=@
  POSTGRES_PASSWORD: @
spring.datasource.password=@
machine api.acme.io login deploy password @
*:*:*:postgres:@
postgres://app:@@db/app
<password>@</password>
define( 'DB_PASSWORD', '@' );
mysql -u root -p@ shop
PGPASSWORD=@ psql -h db
RUN echo 'root:@' | chpasswd
redis-server --requirepass @
requirepass @
rabbitmqctl add_user bob @
htpasswd -b .htpasswd admin @
rootpw --plaintext @
db, err := sql.Open("mysql", "root:@@tcp(db:3306)/app")
requests.get(url, auth=('admin', '@'))
req.basic_auth 'admin', '@'
[smtp.acme.io]:587 bob@acme.io:@
CREATE USER 'app'@'%' IDENTIFIED BY '@';
keytool -genkey -storepass @ -alias x
- name: DB_PASSWORD\n  value: @
END

# in_place PASSWORD: how many of the places it is found in
in_places () {
	rm -rf places.d && mkdir places.d && n=0 &&
	while read -r line
	do
		n=$((n + 1)) &&
		# A host is written with a @ as well: the first one is that of the password.
		printf "# a file\n$(printf "%s" "$line" | sed "s/%/%%/g; s/bob@/bob(at)/; s/'app'@/'app'(at)/; s/@/$1/; s/(at)/@/")\n# its end\n" \
			>"places.d/$n" || return 1
	done <places &&
	secretscan --format jsonl --show-secrets places.d >out
	test $? -le 1 &&
	grep "\"secret\":\"$1\"" out | sed "s/.*places.d\/\([0-9]*\)\".*/\1/" | sort -u | wc -l
}

for password in blueElephant42 hunter22 orangeTeapot7 sunflower1987 k9Zr3Wq8Lm
do
	test_expect_success "$password is one, wherever it stands" '
		in_places "$password" >found && test "$(cat found)" -eq "$(wc -l <places)"
	'
done

test_expect_success 'a word with a sign behind its number' '
	printf "password = \"%s\"\npassword: %s\n" "Summer2024!" "Winter1999?" >signs &&
	test_expect_code 1 secretscan signs >out && test_line_count -eq 2 out
'

# What stands in the place of a password in .netrc and .pgpass can be nothing else.
for word in version1 changeme12 password123 admin123 yourpassword1 elephant test1234
do
	test_expect_success "$word is none" '
		in_places "$word" >found && test "$(cat found)" -le 2
	'
done

test_done
