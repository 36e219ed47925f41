import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('profiles', '0009_claims'),
    ]

    operations = [
        migrations.AlterField(
            model_name='claimevent',
            name='at',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
    ]
